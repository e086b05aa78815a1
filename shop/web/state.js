/** What several parts of the page know, and who wants to hear of a change. */

export const state = { me: null, basket: new Map(), language: "python" };

const listeners = new Map();

export function on(event, listener) {
  listeners.set(event, [...(listeners.get(event) || []), listener]);
}

export function tell(event, detail) {
  for (const listener of listeners.get(event) || []) listener(detail);
}

/** A sentence that comes and goes; read out by screen readers. */
export function toast(text, kind = "") {
  const shown = document.createElement("p");
  shown.className = `toast ${kind}`;
  shown.textContent = text;
  document.querySelector("#toasts").append(shown);
  setTimeout(() => shown.remove(), 6000);
}
