/** A smallcase's index against its benchmark, both from 100. */
import { h, percent, svg } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 96;
const ROOM = 6;
const MOST = 52; // points

export function drawn(series) {
  const index = from100(series.points.map((point) => point.index));
  const benchmark = from100(series.benchmark.points.map((point) => point.price));
  if (index.length < 2) return h("p", { class: "quiet" }, "Its index begins with its first full day.");
  const every = [...index, ...benchmark];
  const [low, high] = [Math.min(...every), Math.max(...every)];
  const gained = index.at(-1) / 100 - 1;
  const theirs = benchmark.length ? benchmark.at(-1) / 100 - 1 : null;
  const text = `${percent(gained)} over ${series.duration}; ${series.benchmark.name} ${percent(theirs)}`;
  return h(
    "figure",
    { class: "chart" },
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": text },
      svg("path", { class: "area", d: `${line(index, low, high)} L${WIDTH} ${HEIGHT} L0 ${HEIGHT} Z` }),
      svg("path", { class: "benchmark", d: line(benchmark, low, high) }),
      svg("path", { class: "index", d: line(index, low, high) }),
    ),
    h("figcaption", {}, h("span", { class: "key ours" }, percent(gained)), h("span", { class: "key theirs" }, `${series.benchmark.name} ${percent(theirs)}`)),
  );
}

const from100 = (values) => sampled(values).map((value) => (value / values[0]) * 100);

/** Every so many days, the newest always: a card is too small for each day's noise. */
function sampled(values) {
  const step = Math.ceil(values.length / MOST);
  return values.filter((_, at) => at === 0 || (values.length - 1 - at) % step === 0);
}

function line(values, low, high) {
  const across = WIDTH / Math.max(1, values.length - 1);
  const up = (value) => HEIGHT - ROOM - ((value - low) / (high - low || 1)) * (HEIGHT - 2 * ROOM);
  return values.map((value, at) => `${at ? "L" : "M"}${(at * across).toFixed(1)} ${up(value).toFixed(1)}`).join(" ");
}
