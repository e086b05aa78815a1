/** The inbox: each hit as it came, with both proofs. Only this module asks for new ones; others hear of them. */
import { h } from "./dom.js";
import { get } from "./server.js";
import { tell, toast } from "./state.js";

const EVERY = 1200; // ms, while the page is looked at
const KEPT = 100;
let newest = 0;
let unread = 0;
let hits = [];

export function webhooks() {
  const list = h("ol", { class: "hits", id: "hits" });
  paint(list);
  watch(list);
  return [
    h("header", { class: "head" }, h("h1", {}, "Webhook inbox"), h("p", { class: "lead" }, "Each delivery to this site's server, live. A hit counts only when its signature and its checksum both fit.")),
    list,
  ];
}

export function seen() {
  unread = 0;
  badge();
}

async function watch(list) {
  let began = true;
  for (;;) {
    if (!document.hidden) {
      const fresh = await get("/api/webhooks", { after: newest }).catch(() => []);
      if (fresh.length) arrived(list, fresh, began);
      began = false;
    }
    await new Promise((done) => setTimeout(done, EVERY));
  }
}

function arrived(list, fresh, began) {
  newest = fresh[0].number;
  hits = [...fresh, ...hits].slice(0, KEPT);
  paint(list);
  if (began) return;
  if (location.hash !== "#webhooks") unread += fresh.length;
  badge();
  tell("hits", fresh);
  if (location.hash === "#webhooks") return;
  const last = fresh[0];
  toast(last.signature || last.checksum ? `A webhook was refused: ${last.signature || last.checksum}.` : `Webhook ${last.type} arrived, signature and checksum verified.`, last.signature || last.checksum ? "bad" : "good");
}

export function emptied() {
  hits = [];
  const list = document.querySelector("#hits");
  if (list) paint(list);
}

function badge() {
  const shown = document.querySelector("#unread");
  shown.hidden = !unread;
  shown.textContent = unread ? String(unread) : "";
  shown.setAttribute("aria-label", `${unread} new`);
}

function paint(list) {
  const open = new Set([...list.querySelectorAll("details[open]")].map((one) => one.dataset.number));
  list.replaceChildren(...(hits.length ? hits.map(hit) : [h("li", { class: "card hollow" }, h("h2", {}, "Nothing has arrived yet"), h("p", { class: "lead" }, "Buy something, and watch the gateway tell this site what became of it."), h("a", { class: "ghost", href: "#stocks" }, "Build a basket"))]));
  for (const one of list.querySelectorAll("details")) one.open = open.has(one.dataset.number);
}

function hit(one) {
  const genuine = !one.signature && !one.checksum;
  const again = hits.some((other) => other.webhookId === one.webhookId && other.number < one.number);
  const { label, action, orders, name, status } = one.body;
  const about = [action || label || (orders && "Basket"), name, status].filter(Boolean).join(" · ");
  return h(
    "li",
    { class: `card hit ${genuine ? "" : "forged"}`, "data-type": one.type },
    h("header", {}, h("h2", {}, one.type || "no type"), one.sequence && h("span", { class: "pill flat" }, `#${one.sequence}`), about && h("span", { class: "quiet" }, about), again && h("span", { class: "pill warn" }, "again"), h("time", { class: "quiet", datetime: one.receivedAt }, new Date(one.receivedAt).toLocaleTimeString("en-IN"))),
    h("p", { class: "proofs" }, proof("Signature", one.signature), proof("Checksum", one.checksum)),
    h("details", { "data-number": String(one.number) }, h("summary", {}, "Body"), h("pre", { tabindex: "0" }, typeof one.body === "string" ? one.body : JSON.stringify(one.body, null, 2))),
  );
}

function proof(name, fault) {
  return h("span", { class: `proof ${fault ? "bad" : "good"}` }, fault ? `✕ ${name}: ${fault}` : `✓ ${name} verified`);
}
