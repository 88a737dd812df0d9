// What if: up to four regimens, drawn over the past as it is believed. The server computes, this draws.
import { put, short, ticks } from "./svg.js";

const place = document.getElementById("what-if");
const list = document.getElementById("regimens");
const drawing = document.getElementById("bands");
const table = document.getElementById("whatif-table");
const addButton = document.getElementById("add-regimen");
const token = document.querySelector('meta[name="csrf"]')?.content ?? "";
const { patient, treatment, at, unit, chosen, standard } = place.dataset;
const MOST = 4, W = 960, H = 330, LEFT = 56, RIGHT = 16, TOP = 14, FOOT = 62;
const NAMES = ["A", "B", "C", "D"];
let timer = 0, asked = 0, reading = "";

const make = (tag, attributes = {}, text) => put(null, tag, attributes, text);

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Regimens.

function field(label, name, value, more = {}) {
  const input = element("input", { name, value, inputmode: "decimal", autocomplete: "off", ...more });
  return element("label", {}, label, " ", input);
}

function addRegimen(dose, every = "", start = "") {
  const row = element("div", { class: "regimen", role: "group" });
  const swatch = make("svg", { width: 18, height: 18, "aria-hidden": "true" });
  swatch.append(make("rect", { class: "swatch", width: 18, height: 18, rx: 4 }));
  const remove = element("button", { type: "button" }, "Remove");
  remove.addEventListener("click", () => {
    row.remove();
    number();
    ask();
    addButton.focus();
  });
  row.append(
    swatch,
    field(`Dose (${unit}, or a row of the table)`, "dose", dose, { list: "rows", inputmode: "text" }),
    field("Next visit after (days)", "every_days", every, { placeholder: "usual" }),
    field("First given in (days)", "start_in_days", start, { placeholder: "now" }),
    remove,
  );
  row.addEventListener("input", later);
  list.append(row);
  number();
}

function number() {
  [...list.children].forEach((row, i) => {
    row.className = `regimen s${i}`;
    row.setAttribute("aria-label", `Regimen ${NAMES[i]}`);
    row.querySelector("button").setAttribute("aria-label", `Remove regimen ${NAMES[i]}`);
  });
  addButton.hidden = list.children.length >= MOST;
}

function regimens() {
  return [...list.children].map((row) => {
    const told = {};
    for (const input of row.querySelectorAll("input")) {
      const text = input.value.trim();
      if (text) told[input.name] = Number.isFinite(Number(text)) ? Number(text) : text;
    }
    return { dose: "", ...told };
  });
}

// Asking.

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, 150);
}

async function ask() {
  const mine = ++asked, wanted = regimens();
  if (!wanted.length) return;
  const answer = await fetch("/api/what-if", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
    body: JSON.stringify({ patient, treatment, at: at || null, regimens: wanted }),
  });
  const found = await answer.json();
  if (mine !== asked) return; // a later answer is on its way
  if (!answer.ok) {
    table.replaceChildren(element("p", { class: "problem" }, found.detail));
    return;
  }
  draw(found.courses);
  tell(found.courses);
}

// Drawing.

function draw(told) {
  const names = Object.keys(told.regimens[0].readings);
  if (!names.includes(reading)) reading = told.reading;
  const curves = [{ cls: "past", time: told.past.time, of: told.past.readings[reading] }];
  told.regimens.forEach((r, i) => curves.push({ cls: `s${i}`, time: r.time, of: r.readings[reading] }));
  const drawn = curves.filter((c) => c.of && c.time.length);
  const points = told.past.measured.filter((m) => m.name === reading);
  const band = reading === told.reading ? told.target : null;
  const times = drawn.flatMap((c) => [c.time[0], c.time.at(-1)]).concat(told.past.doses.map((d) => d.time));
  const low = Math.min(...times, 0), high = Math.max(...times);
  const log = reading === "anc";
  const values = drawn.flatMap((c) => [...c.of.percentiles["95"], ...(log ? c.of.percentiles["5"] : [])]).concat(points.map((p) => p.value));
  const top = Math.max(...values, band ? band.high : 0) * 1.06;
  const bottom = log ? Math.max(Math.min(...values.filter((v) => v > 0), band ? band.low : Infinity) * 0.9, top / 1e4) : 0;
  const x = (t) => LEFT + ((t - low) / (high - low || 1)) * (W - LEFT - RIGHT);
  const scale = (v) => (log ? Math.log(Math.max(v, bottom) / bottom) / Math.log(top / bottom) : v / (top || 1));
  const y = (v) => H - FOOT - scale(v) * (H - FOOT - TOP);
  const svg = make("svg", { viewBox: `0 0 ${W} ${H}` });
  if (band) svg.append(make("rect", { class: "target", x: LEFT, width: W - LEFT - RIGHT, y: y(band.high), height: Math.max(0, y(band.low) - y(band.high)) }));
  axes(svg, x, y, low, high, bottom, top, log, drawn[0].of.unit);
  for (const c of drawn) {
    const path = (p) => c.time.map((t, i) => `${x(t).toFixed(1)},${y(c.of.percentiles[p][i]).toFixed(1)}`);
    svg.append(make("polygon", { class: `band ${c.cls}`, points: [...path("95"), ...path("5").reverse()].join(" ") }));
    svg.append(make("polyline", { class: `median ${c.cls}`, points: path("50").join(" ") }));
  }
  svg.append(make("line", { class: "now", x1: x(0), x2: x(0), y1: TOP, y2: H - FOOT }));
  svg.append(make("text", { x: x(0) + 4, y: TOP + 10 }, "now"));
  for (const p of points) svg.append(mark(x(p.time), y(p.value), p.below));
  doses(svg, told, x);
  drawing.replaceChildren(svg, element("p", { class: "note" }, caption(told, band)));
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${reading}: ${points.length} measured values, and the median and 5 to 95 % bands under ${told.regimens.length} regimens; the table below has the numbers.`);
  if (names.length > 1) switcher(names, told);
}

function caption(told, band) {
  const words = "Lines: median. Bands: 5 to 95 % of this patient's posterior. Points: measured. Grey: the past as it is believed.";
  if (!band) return words;
  const where = band.of === "lowest" ? "where the lowest value should lie" : "target";
  return `${words} Green: ${where}, ${short(band.low)} to ${short(band.high)}.`;
}

function mark(cx, cy, below) {
  return below ? make("path", { class: "point", d: `M${cx - 5},${cy - 4}h10l-5,9z` }) : make("circle", { class: "point", cx, cy, r: 4 });
}

function axes(svg, x, y, low, high, bottom, top, log, unitOf) {
  const step = [0.25, 0.5, 1, 2, 5, 7, 14, 28, 56].find((s) => (high - low) / s <= 12) ?? 112;
  for (let t = Math.ceil(low / step) * step; t <= high; t += step) {
    svg.append(make("line", { class: "axis", x1: x(t), x2: x(t), y1: TOP, y2: H - FOOT }));
    svg.append(make("text", { x: x(t), y: H - FOOT + 15, "text-anchor": "middle" }, short(t)));
  }
  const marks = log ? [0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].filter((v) => v >= bottom && v <= top) : ticks(0, top).filter((v) => v <= top);
  for (const v of marks) {
    svg.append(make("line", { class: "axis", x1: LEFT, x2: W - RIGHT, y1: y(v), y2: y(v) }));
    svg.append(make("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, short(v)));
  }
  svg.append(make("text", { x: W - RIGHT, y: H - 4, "text-anchor": "end" }, "days from now"));
  svg.append(make("text", { x: 4, y: 10 }, `${reading} (${unitOf.replace("10*", "10^")})`));
}

function doses(svg, told, x) {
  const row = H - FOOT + 26;
  svg.append(make("text", { x: 4, y: row + 8 }, "doses"));
  const many = told.past.doses.length > 12;
  for (const d of told.past.doses) {
    svg.append(make("path", { class: "tick", d: `M${x(d.time) - 4},${row + 8}h8l-4,-8z` }));
    if (!many) svg.append(make("text", { x: x(d.time) + 6, y: row + 8 }, `${short(d.mg)} mg`));
  }
  told.regimens.forEach((r, i) => {
    if (!r.mg) return;
    for (const t of r.given) svg.append(make("path", { class: `dose s${i}`, d: `M${x(t) - 4},${row + 8 + i * 7}h8l-4,-7z` }));
  });
}

function switcher(names, told) {
  const row = element("div", { class: "row", role: "group", "aria-label": "Reading that is drawn" });
  for (const name of names) {
    const button = element("button", { type: "button", "aria-pressed": String(name === reading) }, name);
    button.addEventListener("click", () => {
      reading = name;
      draw(told);
    });
    row.append(button);
  }
  drawing.prepend(row);
}

// The same in numbers.

function tell(told) {
  const harms = Object.keys(told.regimens[0].harm);
  const head = element("tr", {}, ...["Regimen", "Given", ...harms.map((h) => `Chance of ${h}`), `Median ${told.reading}, lowest`, "Limits"].map((t) => element("th", { scope: "col" }, t)));
  const rows = told.regimens.map((r, i) => {
    const of = r.readings[told.reading].percentiles, at = of["50"].indexOf(Math.min(...of["50"]));
    const first = r.start_in_days ? `first in ${short(r.start_in_days)} d, ` : "";
    const limits = r.forbidden_by ? element("span", { class: "tag stop" }, `forbidden: ${r.forbidden_by}`) : element("span", { class: "tag good" }, "allowed");
    const onTheDay = r.judged_on_the_day.length ? element("span", { class: "note block" }, `judged on the day: ${r.judged_on_the_day.join(", ")}`) : "";
    return element("tr", {},
      element("th", { scope: "row" }, `${NAMES[i]}: ${r.label}`),
      element("td", {}, r.mg ? `${short(r.mg)} mg, ${first}visit after ${short(r.every_days)} d` : `nothing; visit after ${short(r.every_days)} d`),
      ...harms.map((h) => element("td", {}, `${Math.round(100 * r.harm[h])} %`)),
      element("td", {}, `${short(of["50"][at])}, day ${short(r.time[at])}`, element("span", { class: "interval" }, `${short(of["5"][at])} to ${short(of["95"][at])}`)),
      element("td", {}, limits, onTheDay));
  });
  const made = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  table.replaceChildren(element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Regimens in numbers" }, made));
}

const first = [...new Set([chosen, standard, "0"].filter((dose) => dose !== ""))];
for (const dose of first) addRegimen(dose);
addButton.addEventListener("click", () => {
  addRegimen(standard);
  ask();
  list.lastElementChild.querySelector("input").focus();
});
ask();
