/** The drawer: what only a test gateway can do. */
import { BROKERS, brokerName } from "./checkout.js";
import { h, moment } from "./dom.js";
import { get, post } from "./server.js";
import { on, state, tell, toast } from "./state.js";
import { emptied } from "./webhooks.js";

const HOURS = { always: "Always open", nse: "NSE hours", closed: "Closed" };
const VERBS = { login: "Log in", funds: "Read funds", holdings: "Read holdings", place: "Place an order", order_book: "Read the order book", cancel: "Cancel an order" };
const FAULTS = { unreachable: "Unreachable", unanswered: "No answer", slow: "Slow", rate_limited: "Rate limited", session_ended: "Session ended" };
const drawer = document.querySelector("#sandbox");
const content = document.querySelector("#sandbox-content");
let nextSip = null;
let painted = null; // the clock's part, and the market that it shows

on("invested", (held) => {
  const dates = held.map((one) => one.investment.sip && one.investment.sip.scheduledDate).filter(Boolean);
  nextSip = dates.sort()[0] || null;
  if (painted) paintClock(painted.market);
});

export async function openSandbox() {
  if (!drawer.open) drawer.showModal();
  content.replaceChildren(head(), h("p", { class: "wait" }, "Loading…"));
  await refresh();
}

async function refresh() {
  try {
    paint(await get("/api/sandbox"));
  } catch (error) {
    content.replaceChildren(head(), h("p", { class: "problem", role: "alert" }, error.message), h("button", { type: "button", class: "ghost", onclick: refresh }, "Try again"));
  }
}

function paint({ market, personas, faults }) {
  painted = null;
  const place = paintClock(market);
  content.replaceChildren(head(), place, hours(market), price(), faulty(faults), people(personas), end());
}

/** Anew when the investments are known: the next SIP is one of theirs. What is being typed elsewhere stays. */
function paintClock(market) {
  const place = clock(market);
  if (painted) painted.place.replaceWith(place);
  painted = { place, market };
  return place;
}

const head = () => h("header", {}, h("h2", { id: "sandbox-title" }, "Sandbox"), h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => drawer.close() }, "×"));

function clock({ now }) {
  const sip = nextSip && Date.parse(`${nextSip}T06:00:00Z`) > Date.parse(now) ? nextSip : null;
  return part(
    "The gateway's clock",
    "Expiry, market hours, SIPs, prices and webhook retries all follow it.",
    h("p", { class: "big", id: "now" }, moment(now)),
    h(
      "div",
      { class: "actions" },
      button("+ 15 minutes", () => move({ advance: "PT15M" })),
      button("+ 1 day", () => move({ advance: "P1D" })),
      button(sip ? `To the SIP on ${sip}` : nextSip ? "A SIP is due" : "To the next SIP", () => move({ set: `${sip}T06:00:00Z` }), !sip),
      button("Back to now", () => move({ reset: true })),
    ),
  );
}

function hours(market) {
  const choices = Object.entries(HOURS).map(([value, name]) => h("label", {}, h("input", { type: "radio", name: "hours", value, checked: market.hours === value, onchange: () => act("/api/sandbox/market", { hours: value }, `Market: ${name.toLowerCase()}.`) }), name));
  return part("Market hours", market.open ? "The market is open." : `The market is closed${market.nextOpen ? `; it opens ${moment(market.nextOpen)}` : ""}. Orders wait (AMO).`, h("fieldset", { class: "radios" }, h("legend", { class: "unseen" }, "Market hours"), choices));
}

function price() {
  const ticker = h("input", { id: "pin-ticker", placeholder: "INFY", autocomplete: "off", size: "10", pattern: "[A-Z0-9&\\-]{1,20}", oninput: () => (ticker.value = ticker.value.toUpperCase()) });
  const at = h("input", { id: "pin-price", type: "number", min: "0.05", step: "0.05", inputmode: "decimal", placeholder: "1500" });
  const pin = (body, said) => () => act("/api/sandbox/price", { ticker: ticker.value, ...body() }, said());
  return part(
    "Pin a price",
    "It stays there until you take the pin out.",
    h("div", { class: "fields" }, h("label", { for: "pin-ticker" }, "Ticker", ticker), h("label", { for: "pin-price" }, "Price, ₹", at)),
    h("div", { class: "actions" }, button("Pin", pin(() => ({ price: Number(at.value) }), () => `${ticker.value} is pinned at ₹${at.value}.`)), button("Take the pin out", pin(() => ({ price: null }), () => `${ticker.value} moves again.`))),
  );
}

/** Only the list of faults is painted anew: what was chosen stays. */
function faulty(kinds) {
  const options = (names) => Object.entries(names).map(([value, name]) => h("option", { value }, name));
  const on = h("ul", { class: "personas", id: "faults-on", "aria-live": "polite" });
  const what = h("p", { class: "quiet", id: "fault-what" });
  const seconds = h("input", { id: "fault-seconds", type: "number", min: "0", max: "9999", step: "0.5", inputmode: "decimal", value: "2" });
  const wait = h("label", { for: "fault-seconds" }, "Seconds", seconds);
  const broker = h("select", { id: "fault-broker", onchange: () => list() }, options(BROKERS));
  const verb = h("select", { id: "fault-verb" }, options(VERBS));
  const fault = h("select", { id: "fault-kind", "aria-describedby": "fault-what", onchange: () => explain() }, options(FAULTS));
  const kind = () => kinds.find((one) => one.fault.split(":")[0] === fault.value);
  const written = () => kind().fault.replace("<seconds>", String(seconds.valueAsNumber || 0));
  const said = (text) => `${FAULTS[text.split(":")[0]]}${text.includes(":") ? ` (${text.split(":")[1]} s)` : ""}`;
  const explain = () => {
    what.textContent = kind().what;
    wait.hidden = !kind().fault.includes("<seconds>");
  };
  const show = (found) => {
    const rows = Object.entries(found).filter(([, text]) => text).map(([name, text]) => h("li", {}, `${VERBS[name]}: ${said(text)}`));
    on.replaceChildren(...(rows.length ? rows : [h("li", { class: "quiet" }, `No faults at ${brokerName(broker.value)}.`)]));
  };
  const list = (asked = get("/api/sandbox/faults", { broker: broker.value })) => asked.then(show, (error) => toast(error.message, "bad"));
  broker.value = (state.me && state.me.broker) || "kite";
  verb.value = "place";
  explain();
  list();
  return part(
    "Broker faults",
    "Calls of this gateway to a broker fail until you clear the faults.",
    h("div", { class: "fields" }, h("label", { for: "fault-broker" }, "Broker", broker), h("label", { for: "fault-verb" }, "Call", verb), h("label", { for: "fault-kind" }, "Fault", fault), wait),
    what,
    h("div", { class: "actions" }, button("Set fault", () => list(post("/api/sandbox/faults", { broker: broker.value, verb: verb.value, fault: written() }))), button("Clear faults", () => list(post("/api/sandbox/faults", { broker: broker.value })))),
    on,
  );
}

function people(personas) {
  const rows = personas.map((one) => h("li", {}, h("code", {}, one.clientId), h("p", { class: "quiet" }, `${one.what} ${one.batchAtTheEnd === "–" ? "" : `Ends ${one.batchAtTheEnd}.`}`)));
  return part("Who logs in", "The client id at the broker's login chooses how that broker behaves.", h("ul", { class: "personas" }, rows));
}

function end() {
  const sure = async () => {
    if (await act("/api/sandbox/reset", {}, "The gateway is empty, and this site has forgotten everybody.")) {
      emptied();
      location.reload();
    }
  };
  const ask = h("button", { type: "button", class: "ghost danger", onclick: () => ask.replaceWith(h("span", { class: "actions" }, "Really?", h("button", { type: "button", class: "main danger", onclick: sure }, "Empty everything"))) }, "Reset");
  return part("Begin again", "All orders, investments and webhooks of this gateway go.", ask);
}

const part = (title, text, ...content) => h("section", {}, h("h3", {}, title), h("p", { class: "quiet" }, text), ...content);
const button = (text, onclick, disabled = false) => h("button", { type: "button", class: "ghost", disabled, onclick }, text);
const move = (body) => act("/api/sandbox/clock", body, "The clock has moved.");

async function act(path, body, said) {
  try {
    await post(path, body);
  } catch (error) {
    toast(error.message, "bad");
    return false;
  }
  toast(said, "good");
  tell("clock");
  await refresh();
  return true;
}
