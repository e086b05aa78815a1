/** What several parts of the page know, and who wants to hear of a change. */

export const state = { me: null, basket: new Map(), language: "python" };

const listeners = new Map();

export function on(event, listener) {
  listeners.set(event, [...(listeners.get(event) || []), listener]);
}

export function tell(event, detail) {
  for (const listener of listeners.get(event) || []) listener(detail);
}

const toasts = document.querySelector("#toasts");
const AT_ONCE = 2;

/** A sentence that comes and goes; read out by screen readers. What stands outside an open drawer is out of reach. */
export function toast(text, kind = "") {
  const host = document.querySelector(".drawer[open]") || document.body;
  if (toasts.parentNode !== host) host.append(toasts);
  while (toasts.children.length >= AT_ONCE) toasts.firstChild.remove();
  const shown = document.createElement("p");
  shown.className = `toast ${kind}`;
  shown.textContent = text;
  toasts.append(shown);
  setTimeout(() => shown.remove(), 6000);
}
