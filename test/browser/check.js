// The HTML report in a headless Chromium: it loads from a file, asks the network
// for nothing, complains of nothing, fits three widths and paper, obeys the
// keyboard and has no accessibility violation that axe knows of.
//
//   node check.js REPORT.html [FOLDER FOR SCREENSHOTS] [--without-axe]
//
// Axe takes minutes for a page of megabytes, whose parts a smaller page has too.
import { readFileSync, writeFileSync, existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const given = process.argv.slice(2), accessible = !given.includes("--without-axe");
const [report, shots] = given.filter((a) => a !== "--without-axe");
const chromium = process.env.CHROMIUM || ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
if (!report || !existsSync(report)) {
  console.error("usage: node check.js REPORT.html [FOLDER FOR SCREENSHOTS] [--without-axe]");
  process.exit(2);
}
if (!chromium) {
  console.error("no Chromium here: install the package chromium, or name one in CHROMIUM");
  process.exit(2);
}
if (shots) mkdirSync(shots, { recursive: true });

const faults = [];
const fault = (text) => { faults.push(text); console.log("FAULT " + text); };
const address = pathToFileURL(resolve(report)).href;
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

async function open(width, scheme) {
  const page = await browser.newPage();
  await page.setViewport({ width, height: 900, deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: "reduce" }, // the pointer goes where the page has stopped
  ]);
  page.on("console", (m) => { if (["error", "warn"].includes(m.type())) fault(`console: ${m.text()}`); });
  page.on("pageerror", (e) => fault(`page error: ${e.message}`));
  page.on("request", (r) => {
    if (r.url() !== address && !r.url().startsWith("data:")) fault(`request: ${r.url()}`);
  });
  const devtools = await page.createCDPSession();
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  const began = Date.now();
  await page.goto(address, { waitUntil: "load" });
  await page.evaluate(() => new Promise(requestAnimationFrame));
  const loaded = Date.now() - began;
  await answered(page);
  const { metrics } = await devtools.send("Performance.getMetrics");
  const busy = Math.round(1000 * metrics.find((m) => m.name === "TaskDuration").value);
  return { page, loaded, took: Date.now() - began, busy };
}

// A page is interactive once a chart answers a key with a value, drawn.
async function answered(page) {
  if (!await page.$(".readout")) return;
  await page.focus(".readout");
  await page.keyboard.press("Home");
  await page.waitForFunction(() => document.querySelector(".readout").getAttribute("aria-valuenow") === "0" && document.querySelector(".readout").getAttribute("aria-valuetext"));
  await page.evaluate(() => { document.activeElement.blur(); return new Promise(requestAnimationFrame); });
}

// Labels of one axis must not lie over each other, nor anything outside the page.
function layout() {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const axis of document.querySelectorAll(".xs, .ys")) {
    const boxes = [...axis.children].map((e) => e.getBoundingClientRect()).filter((b) => b.width > 0);
    const along = axis.classList.contains("xs") ? ["left", "right"] : ["top", "bottom"];
    boxes.sort((a, b) => a[along[0]] - b[along[0]]);
    for (let i = 1; i < boxes.length; i++) {
      if (boxes[i][along[0]] < boxes[i - 1][along[1]] - 1) {
        found.push(`labels overlap in ${axis.closest("figure").id}: ${axis.textContent.slice(0, 80)}`);
        break;
      }
    }
  }
  return found;
}

// On paper everything is open, black on white and within the margins, whatever
// the screen had; the screen gets back what it had.
async function print() {
  const margin = 10, width = Math.floor((210 - 2 * margin) / 25.4 * 96); // px of an A4 page
  const { page } = await open(width, "dark");
  await page.emulateMediaType("print");
  await page.evaluate((width) => {
    const state = () => [...document.querySelectorAll("details")].map((d) => d.open).join();
    window.paper = { before: state(), state };
    addEventListener("beforeprint", () => { // after the page's own
      const wide = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > width + 1 && !e.closest(".plot, .xs"));
      Object.assign(window.paper, {
        folded: document.querySelectorAll("details:not([open])").length,
        ink: getComputedStyle(document.body).color, ground: getComputedStyle(document.body).backgroundColor,
        wide: wide.length, widest: wide.slice(0, 2).map((e) => e.outerHTML.slice(0, 160)).join(" | "),
      });
    });
  }, width);
  const began = Date.now();
  const pdf = await page.pdf({ format: "A4", margin: { top: "10mm", bottom: "10mm", left: `${margin}mm`, right: `${margin}mm` }, timeout: 300_000 });
  const pages = Buffer.from(pdf).toString("latin1").match(/\/Type \/Page\b/g)?.length ?? 0;
  if (shots) writeFileSync(`${shots}/paper.pdf`, pdf);
  const paper = await page.evaluate(() => ({ ...window.paper, after: window.paper.state(), state: undefined }));
  console.log(`paper: ${pages} pages, ${pdf.length} bytes, in ${Date.now() - began} ms`);
  if (pages === 0) fault("paper: no page");
  if (paper.folded !== 0) fault(`paper: ${paper.folded ?? "all"} parts stay folded`);
  if (paper.before !== paper.after) fault("paper: the screen does not get back what was folded");
  if (paper.ink.match(/\d+/g).some((c) => c > 60) || paper.ground.match(/\d+/g).slice(0, 3).some((c) => c < 255)) fault(`paper: ${paper.ink} on ${paper.ground}`);
  if (paper.wide) fault(`paper: ${paper.wide} elements beyond the margin: ${paper.widest}`);
  await page.close();
}

let fastest = Infinity, least = Infinity; // of six, for the machine may be busy
for (const scheme of ["light", "dark"]) {
  for (const width of [360, 800, 1400]) {
    const name = `${width}-${scheme}`;
    const { page, loaded, took, busy } = await open(width, scheme);
    fastest = Math.min(fastest, took);
    least = Math.min(least, busy);
    for (const text of await page.evaluate(layout)) fault(`${name}: ${text}`);
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
    if (accessible) {
      await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
      await page.evaluate(axe.toString());
      const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ["violations"] }));
      for (const v of violations) fault(`${name}: axe ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | ")}`);
    }
    console.log(`${name}: loaded in ${loaded} ms, interactive in ${took} ms, its thread busy for ${busy} ms`);
    await page.close();
  }
}

console.log(`interactive in ${fastest} ms, its thread busy for ${least} ms, the fastest of six; ${readFileSync(report).length} bytes`);
if (fastest > 1000) fault(`it took ${fastest} ms until a chart answered`);

// The keyboard reads values, and the pointer does.
const { page } = await open(1400, "light");
if (await page.$(".readout")) {
  await page.focus(".readout");
  await page.keyboard.press("End");
  const last = await page.$eval(".readout", (e) => [e.getAttribute("aria-valuenow"), e.getAttribute("aria-valuemax"), e.getAttribute("aria-valuetext")]);
  if (last[0] !== last[1]) fault(`the key End leads to ${last[0]} of ${last[1]}`);
  await page.keyboard.press("ArrowLeft");
  const before = await page.$eval(".readout", (e) => e.getAttribute("aria-valuetext"));
  if (last[1] !== "0" && before === last[2]) fault("the arrow keys change nothing");
  await page.hover(".plot");
  if (await page.$eval(".readout", (e) => e.getAttribute("aria-valuetext")) === before) fault("the pointer changes nothing");
}
await page.close();
await print();
await browser.close();
console.log(faults.length ? `${faults.length} faults` : "no faults");
process.exit(faults.length ? 1 : 0);
