/** The page: which tab is shown, who is here, and the drawer. */
import { brokerName } from "./checkout.js";
import { chooseLanguage, code } from "./code.js";
import { h } from "./dom.js";
import { connect, investments } from "./investments.js";
import { openSandbox } from "./sandbox.js";
import { get, post } from "./server.js";
import { smallcases } from "./smallcases.js";
import { on, state, tell, toast } from "./state.js";
import { stocks } from "./stocks.js";
import { seen, webhooks } from "./webhooks.js";

const TABS = { stocks, smallcases, investments, webhooks };
const TITLES = { stocks: "Stocks", smallcases: "smallcases", investments: "My investments", webhooks: "Webhook inbox" };
const menu = document.querySelector("#menu");
const views = document.querySelector("#views");
const shown = () => (location.hash.slice(1) in TABS ? location.hash.slice(1) : "stocks");

function show() {
  const tab = shown();
  for (const view of views.children) view.hidden = view.dataset.view !== tab;
  for (const link of document.querySelectorAll("[data-tab]")) {
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${TITLES[tab]} · Tarang`;
  if (tab === "webhooks") seen();
  code(tab);
}

function account() {
  const button = document.querySelector("#account");
  const { connected, broker, authId } = state.me;
  button.textContent = connected ? brokerName(broker) : "Connect";
  button.setAttribute("aria-label", connected ? `Connected with ${brokerName(broker)}` : "Connect a broker");
  button.classList.toggle("on", connected);
  if (!connected) return button.removeAttribute("popovertarget");
  button.setAttribute("popovertarget", "menu");
  menu.replaceChildren(
    h("p", {}, "Connected with ", h("strong", {}, brokerName(broker))),
    h("p", { class: "quiet" }, "smallcaseAuthId ", h("code", {}, authId)),
    h("button", { type: "button", class: "ghost", onclick: disconnect }, "Disconnect"),
  );
}

async function disconnect() {
  menu.hidePopover();
  try {
    state.me = await post("/api/disconnect");
    toast("Disconnected from this site. The investments stay at the broker.");
    tell("me");
  } catch (error) {
    toast(error.message, "bad");
  }
}

/** The link to the content must not change the tab. */
document.querySelector("#skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("#main").focus();
});
document.querySelector("#account").addEventListener("click", () => state.me && !state.me.connected && connect());
document.querySelector("#open-sandbox").addEventListener("click", openSandbox);
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => chooseLanguage(button.dataset.language, shown()));
}
on("me", account);

async function begin() {
  try {
    state.me = await get("/api/me");
  } catch (error) {
    views.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message));
    return;
  }
  account();
  views.replaceChildren(...Object.entries(TABS).map(([name, build]) => h("section", { class: "view", "data-view": name, hidden: true }, build())));
  views.removeAttribute("aria-busy");
  addEventListener("hashchange", () => {
    show();
    scrollTo(0, 0);
  });
  show();
}

begin();
