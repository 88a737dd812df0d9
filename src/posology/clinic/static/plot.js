// Lines over a common axis as SVG: series are { name, x, y, low, high, dashed }.
import { put, short, ticks } from "./svg.js";

const W = 640, H = 300, LEFT = 62, RIGHT = 120, TOP = 12, BOTTOM = 40;
const COLOURS = ["a", "b", "c", "d"];

export function plot(place, series, xLabel, yLabel) {
  const drawn = series.filter((one) => one.x.length);
  const xs = drawn.flatMap((one) => one.x), ys = drawn.flatMap((one) => [...one.y, ...(one.low ?? []), ...(one.high ?? [])]);
  if (!xs.length) return place.replaceChildren();
  const least = (list) => list.reduce((a, b) => Math.min(a, b)), most = (list) => list.reduce((a, b) => Math.max(a, b));
  const across = ticks(least(xs), most(xs)), along = ticks(least(ys), most(ys));
  const [x0, x1, y0, y1] = [least(xs), most(xs), along[0], along.at(-1)];
  const at = (x) => LEFT + (W - LEFT - RIGHT) * (x1 > x0 ? (x - x0) / (x1 - x0) : 0.5);
  const up = (y) => H - BOTTOM - (H - TOP - BOTTOM) * (y1 > y0 ? (y - y0) / (y1 - y0) : 0.5);
  const svg = put(null, "svg", {});
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${yLabel} by ${xLabel}: ${drawn.map((one) => `${one.name}, last ${short(one.y.at(-1))}`).join("; ")}`);
  for (const y of along) {
    put(svg, "line", { x1: LEFT, x2: W - RIGHT, y1: up(y), y2: up(y), class: "rule" });
    put(svg, "text", { x: LEFT - 6, y: up(y) + 4, "text-anchor": "end" }, short(y));
  }
  for (const x of across.filter((one) => one >= x0 && one <= x1)) put(svg, "text", { x: at(x), y: H - BOTTOM + 18, "text-anchor": "middle" }, short(x));
  put(svg, "text", { x: (LEFT + W - RIGHT) / 2, y: H - 6, "text-anchor": "middle" }, xLabel);
  let lowest = -Infinity;
  const ends = drawn.map((one, i) => [up(one.y.at(-1)), i]).sort((a, b) => a[0] - b[0]);
  const labels = new Map(ends.map(([y, i]) => [i, (lowest = Math.max(y, lowest + 15))]));
  drawn.forEach((one, i) => {
    const colour = COLOURS[i % COLOURS.length];
    if (one.low) {
      const edge = [...one.x.map((x, k) => [x, one.high[k]]), ...one.x.map((x, k) => [x, one.low[k]]).reverse()];
      put(svg, "polygon", { points: edge.map(([x, y]) => `${at(x)},${up(y)}`).join(" "), class: `band ${colour}` });
    }
    const points = one.x.map((x, k) => `${at(x)},${up(one.y[k])}`).join(" ");
    put(svg, "polyline", { points, class: `line ${colour}${one.dashed ? " dashed" : ""}` });
    put(svg, "text", { x: W - RIGHT + 8, y: labels.get(i) + 4, class: `name ${colour}` }, one.name);
  });
  place.replaceChildren(svg);
}
