/** The server's code beside each step, coloured without a library. */
import { h } from "./dom.js";
import { get } from "./server.js";
import { state, toast } from "./state.js";

const WORDS = /\b(?:def|return|raise|from|try|except|if|else|for|in|and|or|not|as|is|None|True|False|with|lambda|import|export|async|await|function|const|let|throw|new|of|typeof|instanceof)\b/;
const TOKENS = new RegExp(`(?<comment>"""[^]*?"""|/\\*\\*[^]*?\\*/|#[^\\n]*|//[^\\n]*)|(?<string>f?b?"(?:[^"\\\\\\n]|\\\\.)*"|\`[^\`]*\`)|(?<word>${WORDS.source})`, "g");
let snippets = null;

export async function code(tab) {
  const place = document.querySelector("#steps");
  try {
    snippets ||= await get("/api/code");
  } catch (error) {
    return toast(error.message, "bad");
  }
  place.replaceChildren(...snippets[tab].map((step, at) => shown(step, at)));
}

export function chooseLanguage(language, tab) {
  state.language = language;
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  code(tab);
}

function shown(step, at) {
  const text = step.page || step[state.language];
  const where = step.page ? "in the page" : state.language === "python" ? "Python" : "Node";
  return h("details", { open: at === 0 }, h("summary", {}, h("span", {}, `${at + 1}. ${step.title}`), h("span", { class: "quiet" }, where)), h("pre", { tabindex: "0", "aria-label": `${step.title}, ${where}` }, coloured(text)));
}

/** A `#` or `//` begins a comment only where no string goes on; the alternatives are tried in that order. */
function coloured(text) {
  const parts = [];
  let from = 0;
  for (const token of text.matchAll(TOKENS)) {
    const [kind] = Object.entries(token.groups).find(([, value]) => value !== undefined);
    parts.push(text.slice(from, token.index), h("span", { class: kind }, token[0]));
    from = token.index + token[0].length;
  }
  return h("code", {}, parts, text.slice(from));
}
