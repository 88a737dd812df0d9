// What drawings share: nodes of SVG, numbers in few digits, round values along an axis.
const NS = "http://www.w3.org/2000/svg";

// A node inside another one.
export function put(parent, name, attributes, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  parent?.append(node);
  return node;
}

// Four digits; of thousands every one, as they are doses.
export function short(value) {
  const size = Math.abs(value);
  if (size >= 1e5 || (size && size < 1e-3)) return value.toExponential(1);
  return String(size >= 1000 ? Math.round(value) : +value.toPrecision(4));
}

// Four to six round values that hold a range.
export function ticks(low, high) {
  if (!(high > low)) return [low, low + (Math.abs(low) || 1)];
  const raw = (high - low) / 4, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= raw * 0.999);
  const first = Math.floor(low / step + 1e-9), last = Math.ceil(high / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => +((first + i) * step).toPrecision(12));
}
