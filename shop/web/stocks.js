/** Search, a basket, and "Buy now". */
import { batchCard, order } from "./checkout.js";
import { count, h, mark } from "./dom.js";
import { get } from "./server.js";
import { on, state, toast } from "./state.js";

const SHOWN = 12;
const MOST = 20;
const POPULAR = ["RELIANCE", "TCS", "INFY", "HDFCBANK", "ICICIBANK", "ITC", "BHARTIARTL", "NIFTYBEES", "LT", "SBIN", "TITAN", "GOLDBEES"];
let all = [];
let changed = () => {}; // the basket is another: what shows it is painted again

export function stocks() {
  const results = h("ul", { class: "results", id: "results" });
  const found = h("p", { class: "quiet", role: "status", id: "found" });
  const search = h("input", { type: "search", id: "search", placeholder: "Infosys, NIFTYBEES, Banks…", autocomplete: "off", spellcheck: "false", oninput: () => show(search.value, results, found) });
  const basket = h("section", { class: "card basket", "aria-labelledby": "basket-title" });
  const recent = h("div", { class: "recent", id: "recent" });
  changed = () => {
    paint(basket);
    show(search.value, results, found);
  };
  on("hits", () => refresh(recent));
  on("me", () => refresh(recent));
  get("/assets/stocks.json").then((loaded) => {
    all = loaded;
    show("", results, found);
  }, (error) => toast(error.message, "bad"));
  paint(basket);
  refresh(recent);
  return [
    h("header", { class: "head" }, h("h1", {}, "Build a basket"), h("p", { class: "lead" }, "Several shares, one confirmation. Pick from NSE stocks and ETFs, say how many, and buy them together.")),
    h("div", { class: "split" }, h("div", { class: "card find" }, h("label", { for: "search" }, "Search stocks and ETFs"), search, found, results), basket),
    recent,
  ];
}

function show(text, results, found) {
  const wanted = text.trim().toLowerCase();
  const fits = (one) => [one.ticker, one.name, one.sector].some((word) => word.toLowerCase().includes(wanted));
  const hits = wanted ? all.filter(fits).sort((a, b) => begins(b, wanted) - begins(a, wanted)) : POPULAR.map((ticker) => all.find((one) => one.ticker === ticker)).filter(Boolean);
  found.textContent = wanted ? (hits.length ? count(hits.length, "match", "matches") : `Nothing matches “${text.trim()}”.`) : "Often bought";
  results.replaceChildren(...hits.slice(0, SHOWN).map(row));
}

const begins = (one, wanted) => Number(one.ticker.toLowerCase().startsWith(wanted)) * 2 + Number(one.name.toLowerCase().startsWith(wanted));

function row(one) {
  const held = state.basket.has(one.ticker);
  const label = held ? `Added ${one.ticker}` : `Add ${one.ticker}`;
  const button = h("button", { type: "button", class: "add", "aria-label": label, disabled: held, onclick: () => add(one) }, held ? "Added" : "Add");
  return h("li", {}, mark(one.ticker), h("div", {}, h("strong", {}, one.ticker), h("span", { class: "quiet" }, one.name)), h("span", { class: "sector quiet" }, one.sector), button);
}

function add(one) {
  if (state.basket.size >= MOST) return toast(`A basket here holds ${MOST} securities.`, "bad");
  state.basket.set(one.ticker, { ...one, quantity: 1, side: "BUY" });
  changed();
  document.querySelector(`#quantity-${CSS.escape(one.ticker)}`).focus();
}

function paint(basket) {
  const lines = [...state.basket.values()];
  const empty = h("p", { class: "empty" }, "Nothing in it yet. Add a stock to begin.");
  basket.replaceChildren(
    h("header", {}, h("h2", { id: "basket-title" }, "Your basket"), h("span", { class: "quiet" }, count(lines.length, "security", "securities"))),
    lines.length ? h("ul", { class: "lines" }, lines.map(line)) : empty,
    h("button", { type: "button", class: "main", id: "buy-now", disabled: !lines.length, onclick: buy }, label(lines)),
  );
}

function label(lines) {
  const sides = new Set(lines.map((one) => one.side));
  return sides.size > 1 ? "Place basket" : sides.has("SELL") ? "Sell now" : "Buy now";
}

function line(one) {
  const id = `quantity-${one.ticker}`;
  const side = (name) => h("button", { type: "button", class: `choice ${name.toLowerCase()}`, "aria-pressed": String(one.side === name), onclick: () => { one.side = name; changed(); } }, name === "BUY" ? "Buy" : "Sell");
  const quantity = h("input", { type: "number", id, min: "1", max: "1000000", step: "1", inputmode: "numeric", required: true, value: String(one.quantity), "aria-label": `Quantity of ${one.ticker}`, onchange: () => (one.quantity = amount(quantity)) });
  return h(
    "li",
    {},
    h("div", { class: "who" }, h("strong", {}, one.ticker), h("span", { class: "quiet" }, one.name)),
    h("div", { class: "switch", role: "group", "aria-label": `Side of ${one.ticker}` }, side("BUY"), side("SELL")),
    quantity,
    h("button", { type: "button", class: "close", "aria-label": `Remove ${one.ticker}`, onclick: () => { state.basket.delete(one.ticker); changed(); document.querySelector("#search").focus(); } }, "×"),
  );
}

/** Whole shares within the gateway's limits; anything else becomes the nearest. */
function amount(input) {
  const wanted = Math.min(1_000_000, Math.max(1, Math.trunc(Number(input.value)) || 1));
  input.value = String(wanted);
  return wanted;
}

function buy() {
  const lines = [...state.basket.values()];
  order({
    title: "Your basket",
    lines: lines.map((one) => [`${one.side === "BUY" ? "Buy" : "Sell"} ${one.ticker}`, count(one.quantity, "share")]),
    path: "/api/order/basket",
    body: { securities: lines.map((one) => ({ ticker: one.ticker, quantity: one.quantity, type: one.side })) },
  });
}

on("ordered", (response) => {
  const bought = (response.orderBatches || []).some((batch) => !batch.scid);
  if (!bought) return;
  state.basket.clear();
  changed();
});

async function refresh(recent) {
  const loaded = await get("/api/orders").catch(() => null);
  if (!loaded) return;
  const baskets = (loaded.orders || []).filter((batch) => !batch.scid).slice(0, 4);
  recent.replaceChildren(...(baskets.length ? [h("h2", {}, "Recent baskets"), h("div", { class: "grid" }, baskets.map(batchCard))] : []));
}
