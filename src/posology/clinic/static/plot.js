// Lines over a common axis as SVG: series are { name, x, y, low, high, dashed }.
const W = 640, H = 300, LEFT = 62, RIGHT = 120, TOP = 12, BOTTOM = 40, NS = "http://www.w3.org/2000/svg";
const COLOURS = ["a", "b", "c", "d"];

function put(parent, name, attributes, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function short(value) {
  return Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(+value.toPrecision(4));
}

// Four to six round values that hold a range.
function ticks(low, high) {
  if (!(high > low)) return [low, low + (Math.abs(low) || 1)];
  const raw = (high - low) / 4, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= raw * 0.999);
  const first = Math.floor(low / step + 1e-9), last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => +((first + i) * step).toPrecision(12));
}

export function plot(place, series, xLabel, yLabel) {
  const drawn = series.filter((one) => one.x.length);
  const xs = drawn.flatMap((one) => one.x), ys = drawn.flatMap((one) => [...one.y, ...(one.low ?? []), ...(one.high ?? [])]);
  if (!xs.length) return place.replaceChildren();
  const least = (list) => list.reduce((a, b) => Math.min(a, b)), most = (list) => list.reduce((a, b) => Math.max(a, b));
  const across = ticks(least(xs), most(xs)), along = ticks(least(ys), most(ys));
  const [x0, x1, y0, y1] = [least(xs), most(xs), along[0], along.at(-1)];
  const at = (x) => LEFT + (W - LEFT - RIGHT) * (x1 > x0 ? (x - x0) / (x1 - x0) : 0.5);
  const up = (y) => H - BOTTOM - (H - TOP - BOTTOM) * (y1 > y0 ? (y - y0) / (y1 - y0) : 0.5);
  const svg = document.createElementNS(NS, "svg");
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
