/** From a transaction to its end. The sheet has two steps, because a popup must be opened in the click itself. */
import { h, moment, rupees, status } from "./dom.js";
import { get, post } from "./server.js";
import { state, tell, toast } from "./state.js";

export const BROKERS = { aliceblue: "AliceBlue", angelbroking: "Angel One", axis: "Axis Direct", dhan: "Dhan", edelweiss: "Nuvama", fisdom: "Fisdom", fivepaisa: "5paisa", fundzbazar: "FundzBazar", groww: "Groww", hdfc: "HDFC Securities", icici: "ICICI Direct", iifl: "IIFL", kite: "Zerodha", kotak: "Kotak", motilal: "Motilal Oswal", trustline: "Trustline", upstox: "Upstox" };
const REASONS = {
  1001: "You logged in to another account than the one this order belongs to.",
  1002: "There is nothing to do on this investment right now.",
  1003: "You did not give your consent.",
  1004: "You do not hold enough of what was to be sold.",
  1005: "The time for this order ran out.",
  1006: "Your broker is not on the list yet.",
  1008: "Your broker is not on the list yet.",
  1010: "You closed the checkout before choosing a broker.",
  1011: "You closed the checkout before the login was finished.",
  1012: "You closed the checkout before confirming. Nothing was ordered.",
  open: "You closed the checkout. It can still be confirmed in the window where you logged in.",
  done: "This was confirmed in another window. Look at your investments before you order again.",
  3001: "This order was used already, or its time ran out.",
  4004: "The market is closed, and this broker takes no orders after hours.",
  4005: "The market is closed, and this order cannot wait for it to open.",
  4006: "An earlier order has to be finished first.",
  5003: "The gateway could not be reached. Your order may still come to something: look at your investments.",
};

const sheet = document.querySelector("#sheet");
let turn = 0; // of the sheet: a request from an earlier one finds it taken, and reports elsewhere
export const brokerName = (key) => BROKERS[key] || key;

/** Called in the click, with everything at hand: the SDK opens its window before it waits for anything. */
export function trigger({ gateway, token, transactionId, target }) {
  const sdk = new scDK({ gateway, smallcaseAuthToken: token, config: { amo: true, ...(target && { target }) } });
  return sdk.triggerTransaction({ transactionId });
}

/** First click: our server creates the transaction while the sheet says what it is for. */
export async function order({ title, lines = [], path, body, cta = "Continue to checkout", said = "Done." }) {
  const again = () => order({ title, lines, path, body, cta, said });
  const mine = ++turn;
  paint(title, summary(lines), h("p", { class: "wait", role: "status" }, "Creating the transaction…"));
  if (!sheet.open) sheet.showModal();
  try {
    const made = await post(path, body);
    if (mine === turn) ready({ title, lines, made, cta, said, again });
  } catch (error) {
    if (mine === turn) ended({ title, text: error.message, again });
  }
}

/** Second click: the transaction is there, so the window opens at once. */
function ready({ title, lines, made, cta, said, again }) {
  const go = (target) => () => run({ title, made, target, said, again });
  paint(
    title,
    summary(lines),
    h("dl", { class: "facts" }, fact("Transaction", h("code", {}, made.transactionId)), fact("Good until", moment(made.expireAt))),
    h("button", { type: "button", class: "main", id: "continue", onclick: go() }, cta),
    h("button", { type: "button", class: "link", onclick: go("#frame") }, "or open it on this page"),
  );
  sheet.querySelector("#continue").focus();
}

async function run({ title, made, target, said, again }) {
  const mine = turn;
  const frame = h("div", { class: "frame", id: "frame" });
  const waiting = target ? frame : h("p", { class: "wait", role: "status" }, "The checkout is open in its own window.");
  const { gateway } = state.me;
  if (target) paint(title, waiting);
  const running = trigger({ gateway, token: made.token, transactionId: made.transactionId, target });
  if (!target) paint(title, waiting, h("p", { class: "quiet" }, "Your broker's login and the confirmation are there. Closing it ends the order."));
  try {
    await finished({ title, response: await running, said, mine });
  } catch (reason) {
    await remember(reason.data || {});
    const why = REASONS[reason.data?.state] || REASONS[reason.code] || reason.message || "The order ended.";
    if (mine !== turn) return toast(`${title}: ${why}`);
    ended({ title, text: why, reason, again });
  }
}

async function remember({ smallcaseAuthToken, broker }) {
  if (!smallcaseAuthToken || !broker) return;
  try {
    state.me = await post("/api/connect", { smallcaseAuthToken, broker });
  } catch (error) {
    toast(error.message, "bad");
  }
  tell("me");
}

async function finished({ title, response, said, mine }) {
  await remember(response);
  tell("ordered", response);
  if (mine !== turn) return toast(`${title}: confirmed with ${brokerName(response.broker)}.`, "good");
  const batches = (response.orderBatches || []).map((one) => one.batchId);
  const live = h("div", { class: "live", "aria-live": "polite" }, (response.orderBatches || []).map(batchCard));
  paint(
    title,
    h("p", { class: "lead" }, batches.length ? `Confirmed with ${brokerName(response.broker)}. The rest follows by webhook.` : said),
    live,
    h("button", { type: "button", class: "main", onclick: close }, "Done"),
  );
  sheet.querySelector(".main").focus();
  if (batches.length) follow(live, new Set(batches));
}

/** Repaints when our server has heard of it, for as long as the sheet is open. */
async function follow(live, wanted) {
  for (let wait = 500; live.isConnected && sheet.open; wait = Math.min(wait * 1.4, 5000)) {
    await new Promise((done) => setTimeout(done, wait));
    const found = await get("/api/orders").catch(() => ({ orders: [] }));
    const mine = (found.orders || []).filter((batch) => wanted.has(batch.batchId));
    if (mine.length) live.replaceChildren(...mine.map(batchCard));
    if (mine.length && mine.every((batch) => batch.completedDate)) return;
  }
}

export function batchCard(batch) {
  const rows = [...batch.orders, ...batch.unplaced].map((one) =>
    h(
      "li",
      {},
      h("span", { class: `side ${one.transactionType.toLowerCase()}` }, one.transactionType),
      h("strong", {}, one.tradingsymbol),
      h("span", { class: "quiet" }, `${one.filledQuantity} of ${one.quantity}${one.averagePrice ? ` at ${rupees(one.averagePrice)}` : ""}`),
      status(one.status),
    ),
  );
  const label = batch.name ? `${batch.name} · ${batch.label}` : "Basket";
  return h(
    "article",
    { class: "batch", "data-batch": batch.batchId },
    h("header", {}, h("h3", {}, label), status(batch.status)),
    h("ul", { class: "orders" }, rows),
  );
}

function ended({ title, text, reason, again }) {
  paint(
    title,
    h("p", { class: "problem", role: "alert" }, text),
    reason && reason.code ? h("p", { class: "quiet" }, h("code", {}, `${reason.code} ${reason.message}`)) : null,
    h("button", { type: "button", class: "main", onclick: again }, "Try again"),
    h("button", { type: "button", class: "link", onclick: close }, "Not now"),
  );
}

function paint(title, ...content) {
  sheet.replaceChildren(
    h("header", {}, h("h2", { id: "sheet-title" }, title), h("button", { type: "button", class: "close", "aria-label": "Close", onclick: close }, "×")),
    ...content.filter(Boolean),
  );
}

const summary = (lines) => (lines.length ? h("ul", { class: "summary" }, lines.map(([left, right]) => h("li", {}, h("span", {}, left), h("span", {}, right)))) : null);
const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

/** An iframe goes with its sheet, and the SDK then settles by itself. */
function close() {
  sheet.close();
}
sheet.addEventListener("close", () => {
  turn += 1;
  sheet.replaceChildren();
});
