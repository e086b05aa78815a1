/** Elements without markup in strings: nothing that came over the wire is ever parsed as HTML. */

/** `on…` properties become listeners, `class` and attributes stay what they are, false and null are left out. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

const whole = new Intl.NumberFormat("en-IN", { style: "currency", currency: "INR", maximumFractionDigits: 0 });
const exact = new Intl.NumberFormat("en-IN", { style: "currency", currency: "INR" });

export const rupees = (amount) => (amount === null || amount === undefined ? "–" : exact.format(amount));
export const round = (amount) => (amount === null || amount === undefined ? "–" : whole.format(amount));
export const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** `share` is a fraction: 0.1234 is +12.3 %. */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  return `${share > 0 ? "+" : share < 0 ? "−" : ""}${Math.abs(share * 100).toFixed(1)}\u00a0%`;
}

export const tone = (number) => (number > 0 ? "good" : number < 0 ? "bad" : "flat");

export function moment(text) {
  return new Date(text).toLocaleString("en-IN", { dateStyle: "medium", timeStyle: "short", timeZone: "Asia/Kolkata" });
}

/** A mark that we draw: initials on one of six colours. */
export function mark(text, of = text) {
  let sum = 0;
  for (const letter of of) sum = (sum * 31 + letter.charCodeAt(0)) % 6;
  return h("span", { class: `mark hue${sum}`, "aria-hidden": "true" }, text.slice(0, 2).toUpperCase());
}

/** Statuses in a person's words, with the wire's own word kept for the reader of code. */
const WORDS = {
  COMPLETE: "Filled",
  COMPLETED: "Completed",
  PLACED: "Placed",
  PARTIAL: "Part filled",
  PARTIALLYFILLED: "Partly filled",
  PARTIALLYPLACED: "Partly placed",
  REJECTED: "Rejected",
  CANCELLED: "Cancelled",
  "CANCELLED AMO": "Cancelled by you",
  UNFILLED: "Not filled",
  UNPLACED: "Not placed",
  ERROR: "Not known yet",
  MARKEDCOMPLETE: "Marked complete",
};
const TONES = { COMPLETE: "good", COMPLETED: "good", PLACED: "busy", PARTIALLYPLACED: "busy", PARTIAL: "warn", PARTIALLYFILLED: "warn", ERROR: "warn", MARKEDCOMPLETE: "flat" };

export function status(of) {
  return h("span", { class: `pill ${TONES[of] || "bad"}`, title: of }, WORDS[of] || of);
}
