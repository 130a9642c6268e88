// A picture of a page for docs/images: the top of it, on a light screen.
//
//   node picture.js PAGE.html PICTURE.png [HEIGHT]
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [page, picture, height = "1500"] = process.argv.slice(2);
const chromium = process.env.CHROMIUM || ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
if (!picture || !existsSync(page) || !(height > 0)) {
  console.error("usage: node picture.js PAGE.html PICTURE.png [HEIGHT]");
  process.exit(2);
}
if (!chromium) {
  console.error("no Chromium here: install the package chromium, or name one in CHROMIUM");
  process.exit(2);
}
const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const sheet = await browser.newPage();
await sheet.setViewport({ width: 1180, height: Number(height), deviceScaleFactor: 1 });
await sheet.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
await sheet.goto(pathToFileURL(resolve(page)).href, { waitUntil: "load" });
await sheet.screenshot({ path: picture });
await browser.close();
