/** What is held, what it earned, what waits, and buttons for what can be done now. */
import { batchCard, brokerName, order } from "./checkout.js";
import { count, h, mark, moment, percent, round, rupees, tone } from "./dom.js";
import { get, post } from "./server.js";
import { on, state, tell, toast } from "./state.js";

const NAMES = { INVESTMORE: "Invest more", SIP: "Pay SIP", MANAGE: "Manage", EXIT: "Exit", REBALANCE: "Rebalance", FIX: "Fix" };
const MONTHS = { "1w": "week", "2w": "two weeks", "1m": "month", "3m": "quarter" };

export function investments() {
  const place = h("div", { class: "stack", id: "portfolio", "aria-live": "off" });
  for (const event of ["hits", "me", "clock", "published"]) on(event, () => refresh(place));
  refresh(place);
  return [h("header", { class: "head" }, h("h1", {}, "My investments"), h("p", { class: "lead" }, "Told by the gateway, the moment you look.")), place];
}

let asking = 0;

async function refresh(place) {
  const mine = ++asking;
  try {
    const [portfolio, orders] = await Promise.all([get("/api/investments"), get("/api/orders")]);
    if (mine === asking) paint(place, portfolio, orders.orders || []);
  } catch (error) {
    if (mine === asking) place.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message), h("button", { type: "button", class: "ghost", onclick: () => refresh(place) }, "Try again"));
  }
}

function paint(place, portfolio, orders) {
  const open = new Set([...place.querySelectorAll("details[open]")].map((one) => one.dataset.of));
  place.replaceChildren(...(portfolio.connected ? shown(portfolio, orders) : [stranger()]));
  for (const one of place.querySelectorAll("details")) one.open = open.has(one.dataset.of);
  tell("invested", portfolio.investments || []);
}

function stranger() {
  return h(
    "section",
    { class: "card hollow" },
    h("h2", {}, "No account connected yet"),
    h("p", { class: "lead" }, "Buy a basket or a smallcase, or connect a broker account that you used here before."),
    h("div", { class: "actions" }, h("button", { type: "button", class: "main", onclick: connect }, "Connect a broker"), h("a", { class: "ghost", href: "#smallcases" }, "Look at smallcases")),
  );
}

export function connect() {
  order({ title: "Connect a broker", path: "/api/order/account", body: { intent: "CONNECT" }, cta: "Choose your broker", said: "You are connected." });
}

function shown({ investments: held, aggregatedData: sum, exited, holdings }, orders) {
  return [
    sum && held.length ? totals(sum, held) : null,
    held.length ? h("div", { class: "grid wide" }, held.map(investment)) : h("section", { class: "card hollow" }, h("h2", {}, "Nothing invested yet"), h("p", { class: "lead" }, `Connected with ${brokerName(state.me.broker)}.`), h("a", { class: "ghost", href: "#smallcases" }, "Look at smallcases")),
    orders.length ? h("section", {}, h("h2", {}, "Orders"), h("div", { class: "grid" }, orders.slice(0, 6).map(batchCard))) : null,
    imported(holdings),
    exited.length ? h("section", {}, h("h2", {}, "Exited"), h("ul", { class: "card plain" }, exited.map(gone))) : null,
  ].filter(Boolean);
}

function totals(sum, held) {
  const { networth, currentInvestment, totalReturns, totalReturnsPercent } = sum;
  const sign = totalReturns > 0 ? "+" : "";
  return h("dl", { class: "totals card" }, total("Worth now", rupees(networth)), total("Invested", rupees(currentInvestment)), total("Returns", `${sign}${rupees(totalReturns)} (${percent(totalReturnsPercent / 100)})`, tone(totalReturns)), total("In", count(held.length, "smallcase")));
}

const total = (name, value, kind = "") => h("div", {}, h("dt", {}, name), h("dd", { class: kind }, value));

function investment({ investment: one, actions }) {
  const { returns, currentConfig, sip, flags } = one;
  const rows = currentConfig.constituents.map((each) => h("tr", {}, h("th", { scope: "row" }, each.ticker), h("td", { class: "number" }, count(each.shares, "share")), h("td", { class: "number" }, `${(each.weight * 100).toFixed(1)} %`), h("td", { class: `number ${tone(each.returns)}` }, rupees(each.returns))));
  return h(
    "article",
    { class: "card investment", "data-iscid": one.iscid },
    h("header", {}, mark(one.name, one.scid), h("div", {}, h("h2", {}, one.name), h("p", { class: "quiet" }, `Version ${one.version} · since ${moment(one.date)}${one.deviated ? " · your own mix" : ""}`))),
    h("dl", { class: "figures" }, total("Worth now", rupees(returns.networth)), total("Invested", rupees(returns.currentInvestment)), total("Returns", `${returns.totalReturns > 0 ? "+" : ""}${rupees(returns.totalReturns)}`, tone(returns.totalReturns))),
    pending(one, actions),
    sip && !actions.sip.length ? h("p", { class: "quiet" }, `SIP of ${round(sip.amount)} every ${MONTHS[sip.frequency]}, next on ${sip.scheduledDate}.`) : null,
    flags.amoPending ? h("p", { class: "callout" }, "Orders wait for the market to open.", h("button", { type: "button", class: "ghost", onclick: () => errand("CANCEL_AMO", one, "Cancel the waiting orders") }, "Cancel them")) : null,
    h("div", { class: "actions" }, now(one, actions)),
    h("details", { "data-of": one.iscid }, h("summary", {}, `What you hold (${rows.length})`), h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stock"), ["Shares", "Weight", "Returns"].map((name) => h("th", { scope: "col", class: "number" }, name)))), h("tbody", {}, rows))),
    h("p", { class: "play" }, h("button", { type: "button", class: "ghost lab", "data-play": one.scid, "aria-label": `Play the manager: publish a rebalance of ${one.name}`, onclick: (event) => publish(event.target, one.scid) }, "Play the manager: publish a rebalance")),
  );
}

function pending(one, actions) {
  const calls = [
    ...actions.rebalance.map((each) => call("REBALANCE", one, `Version ${each.version} is out: ${each.label}`)),
    ...actions.sip.map((each) => call("SIP", one, `Your SIP of ${round(each.amount)} is due since ${each.scheduledDate}.`)),
    ...actions.fix.map((each) => call("FIX", one, `${each.filled} of ${each.quantity} orders were filled. The rest waits for you.`)),
  ];
  return calls.length ? h("div", { class: "pending" }, calls) : null;
}

function call(kind, one, text) {
  return h("div", { class: "callout", "data-pending": kind }, h("p", {}, text), h("button", { type: "button", class: "main small", "aria-label": `${NAMES[kind]} ${one.name}`, onclick: () => go(kind, one) }, NAMES[kind]));
}

/** What the gateway says can be done now, and no more; a SIP can be set up whenever no order is open. */
function now(one, actions) {
  const kinds = [...new Set([...actions.buy, ...actions.sell])].filter((kind) => kind !== "SIP");
  const buttons = kinds.map((kind) => h("button", { type: "button", class: "ghost", "data-act": kind, "aria-label": `${NAMES[kind]} ${one.name}`, onclick: () => go(kind, one) }, NAMES[kind]));
  const sip = h("button", { type: "button", class: "ghost", "data-act": "SIP_SETUP", "aria-label": `${one.sip ? "Change SIP" : "Set up SIP"} of ${one.name}`, onclick: () => errand("SIP_SETUP", one, "Invest regularly") }, one.sip ? "Change SIP" : "Set up SIP");
  return kinds.length ? [...buttons, sip] : h("p", { class: "quiet" }, "An order is open; what comes next waits for it.");
}

function go(type, one) {
  order({ title: `${NAMES[type]}: ${one.name}`, path: "/api/order/on", body: { type, iscid: one.iscid } });
}

function errand(intent, one, title) {
  order({ title: `${title}: ${one.name}`, path: "/api/order/errand", body: { intent, iscid: one.iscid }, said: "Saved." });
}

async function publish(button, scid) {
  if (!state.me.canPublish) return toast(`This site has no manager's token. On the gateway: manage.py publish_rebalance ${scid} FILE`);
  button.disabled = true;
  try {
    const made = await post("/api/sandbox/rebalance", { scid });
    toast(`Version ${made.version} of ${scid} is published. Investors are notified by webhook.`, "good");
    tell("published");
  } catch (error) {
    toast(error.message, "bad");
  }
  button.disabled = false;
}

function imported(holdings) {
  const ask = h("button", { type: "button", class: "ghost", onclick: () => order({ title: "Import holdings", path: "/api/order/account", body: { intent: "HOLDINGS_IMPORT" }, said: "Your holdings are imported." }) }, holdings ? "Import again" : "Import holdings");
  const rows = holdings ? holdings.securities.map((one) => h("tr", {}, h("th", { scope: "row" }, one.ticker), h("td", { class: "number" }, String(one.holdings.quantity)), h("td", { class: "number" }, rupees(one.holdings.averagePrice)))) : [];
  const table = h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stock"), h("th", { scope: "col", class: "number" }, "Held"), h("th", { scope: "col", class: "number" }, "Average price"))), h("tbody", {}, rows));
  return h("section", { class: "card" }, h("header", { class: "row" }, h("div", {}, h("h2", {}, "Everything at your broker"), h("p", { class: "quiet" }, holdings ? `As of ${moment(holdings.snapshotDate)}` : "Imported only when you allow it.")), ask), rows.length ? table : null);
}

function gone(one) {
  return h("li", {}, mark(one.name, one.scid), h("div", {}, h("strong", {}, one.name), h("span", { class: "quiet" }, `Exited ${one.exitedDate ? moment(one.exitedDate) : ""}`)), h("span", { class: `number ${tone(one.returns.totalReturns)}` }, rupees(one.returns.totalReturns)));
}
