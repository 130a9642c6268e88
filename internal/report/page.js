"use strict";
// A cursor that follows the pointer or the arrow keys, and says what is there.
// Figures of a group share it.
const figures = [...document.querySelectorAll("figure.chart")].flatMap((figure) => {
  const script = figure.querySelector("script"), readout = figure.querySelector(".readout");
  if (!script || !readout) return [];
  const one = { figure, readout, data: JSON.parse(script.textContent), at: -1, group: figure.dataset.group };
  one.cursors = [...figure.querySelectorAll(".plot")].map((plot) => {
    const cursor = document.createElement("div");
    cursor.className = "cursor";
    cursor.hidden = true;
    return plot.appendChild(cursor);
  });
  return [one];
});

function text(one) {
  const { data, at } = one;
  return data.series.filter((s) => s.values[at]).map((s) => s.name + " " + s.values[at]);
}

function show(one, at) {
  one.at = at;
  const name = one.data.names[at], parts = text(one);
  const head = document.createElement("b");
  head.textContent = name;
  one.readout.replaceChildren(head, " ", ...parts.map((part) => {
    const span = document.createElement("span");
    span.textContent = part;
    return span;
  }));
  one.readout.setAttribute("aria-valuenow", at);
  one.readout.setAttribute("aria-valuetext", name + ": " + (parts.join(", ") || "nothing"));
  for (const cursor of one.cursors) {
    cursor.hidden = false;
    cursor.style.left = 100 * one.data.at[at] + "%";
  }
}

function move(one, at) {
  at = Math.min(Math.max(at, 0), one.data.at.length - 1);
  for (const other of figures) {
    if (other === one || (one.group && other.group === one.group)) show(other, at);
  }
}

function nearest(places, x) {
  let best = 0;
  places.forEach((at, i) => { if (Math.abs(at - x) < Math.abs(places[best] - x)) best = i; });
  return best;
}

const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity };

for (const one of figures) {
  const { readout, data } = one;
  readout.textContent = "Point at the chart, or focus here and press the arrow keys, to read values.";
  readout.tabIndex = 0;
  readout.setAttribute("role", "slider");
  readout.setAttribute("aria-label", "Values of " + readout.dataset.name);
  readout.setAttribute("aria-valuemin", 0);
  readout.setAttribute("aria-valuemax", data.at.length - 1);
  readout.setAttribute("aria-valuenow", 0);
  readout.setAttribute("aria-valuetext", "press the arrow keys");
  readout.addEventListener("keydown", (event) => {
    const by = steps[event.key];
    if (by === undefined) return;
    event.preventDefault();
    move(one, one.at < 0 && Math.abs(by) === 1 ? 0 : one.at + by);
  });
  for (const cursor of one.cursors) {
    const plot = cursor.parentElement;
    const follow = (event) => {
      const box = plot.getBoundingClientRect();
      move(one, nearest(data.at, (event.clientX - box.left) / box.width));
    };
    plot.addEventListener("pointermove", follow);
    plot.addEventListener("pointerdown", follow);
  }
}

// What is linked to is opened.
function open(element) {
  for (let e = element; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
}
addEventListener("hashchange", () => {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.nextElementSibling) open(target.nextElementSibling);
});

// Paper unfolds nothing: all is open while it is printed, and folded again after.
let folded = [];
addEventListener("beforeprint", () => {
  const closed = document.querySelectorAll("details:not([open])");
  folded.push(...closed);
  closed.forEach((d) => { d.open = true; });
});
addEventListener("afterprint", () => {
  folded.forEach((d) => { d.open = false; });
  folded = [];
});
