/** Cards with chart, minimum and constituents. */
import { drawn } from "./chart.js";
import { order } from "./checkout.js";
import { count, h, mark, percent, round, tone } from "./dom.js";
import { get } from "./server.js";
import { tell } from "./state.js";

const RISKS = { Low: "good", Medium: "warn", High: "bad" };

export function smallcases() {
  const cards = h("div", { class: "grid cards", id: "cards" }, h("p", { class: "wait" }, "Loading…"));
  const choice = h("select", { id: "sort", onchange: () => arrange(cards, choice.value) }, h("option", { value: "minimum" }, "Smallest minimum"), h("option", { value: "year" }, "Best year"), h("option", { value: "name" }, "Name"));
  load(cards);
  return [
    h("header", { class: "head row" }, h("div", {}, h("h1", {}, "smallcases"), h("p", { class: "lead" }, "Portfolios with an idea, kept in shape by their managers.")), h("label", { class: "sort" }, "Sort by ", choice)),
    cards,
  ];
}

let known = [];

async function load(cards) {
  try {
    known = await get("/api/smallcases");
    arrange(cards, "minimum");
  } catch (error) {
    cards.replaceChildren(h("p", { class: "problem", role: "alert" }, error.message), h("button", { type: "button", class: "ghost", onclick: () => load(cards) }, "Try again"));
  }
}

const SORTS = {
  minimum: (a, b) => a.stats.minInvestAmount - b.stats.minInvestAmount,
  year: (a, b) => (b.stats.returns.yearly ?? -9) - (a.stats.returns.yearly ?? -9),
  name: (a, b) => a.info.name.localeCompare(b.info.name),
};

function arrange(cards, by) {
  const near = new IntersectionObserver((seen) => {
    for (const one of seen.filter((each) => each.isIntersecting)) {
      near.unobserve(one.target);
      draw(one.target);
    }
  }, { rootMargin: "200px" });
  const made = [...known].sort(SORTS[by]).map(card);
  cards.replaceChildren(...made);
  for (const one of made) near.observe(one);
}

function card(one) {
  const { info, stats, scid } = one;
  const year = stats.returns.yearly ?? stats.returns.sinceLaunch;
  const [risk] = (stats.ratios.riskLabel || "").split(" ");
  const inside = h("details", { ontoggle: (event) => event.target.open && constituents(event.target, scid) }, h("summary", {}, "What is inside"), h("div", { class: "inside" }, h("p", { class: "wait" }, "Loading…")));
  return h(
    "article",
    { class: "card smallcase", "data-scid": scid },
    h("header", {}, mark(info.name, scid), h("div", {}, h("h2", {}, info.name), h("p", { class: "quiet" }, `by ${info.publisherName}`))),
    h("p", { class: "idea" }, info.shortDescription),
    h("div", { class: "plot" }),
    h("dl", { class: "figures" }, figure("Minimum", round(stats.minInvestAmount)), figure("1 year", percent(year), tone(year)), figure("Volatility", risk || "–", RISKS[risk])),
    inside,
    h("button", { type: "button", class: "main", "aria-label": `Invest in ${info.name}`, onclick: () => invest(one) }, "Invest"),
  );
}

const figure = (name, value, kind = "") => h("div", {}, h("dt", {}, name), h("dd", { class: kind }, value));

async function draw(of) {
  const plot = of.querySelector(".plot");
  try {
    plot.replaceChildren(drawn(await get("/api/chart", { scid: of.dataset.scid, duration: "1y" })));
  } catch (error) {
    plot.replaceChildren(h("p", { class: "quiet" }, error.message));
  }
}

async function constituents(details, scid) {
  const inside = details.querySelector(".inside");
  try {
    const details = await get("/api/smallcase", { scid });
    const rows = details.constituents.map((one) => h("tr", {}, h("th", { scope: "row" }, one.ticker), h("td", {}, one.stockName), h("td", { class: "number" }, `${(one.weight * 100).toFixed(1)} %`)));
    inside.replaceChildren(h("p", { class: "quiet" }, `Version ${details.version}, ${count(rows.length, "constituent")}`), h("table", {}, h("thead", { class: "unseen" }, h("tr", {}, ["Ticker", "Name", "Weight"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows)));
  } catch (error) {
    inside.replaceChildren(h("p", { class: "problem" }, error.message));
  }
}

function invest({ scid, info, stats }) {
  order({
    title: info.name,
    lines: [["Minimum investment", round(stats.minInvestAmount)], ["Amount", "you choose it next"]],
    path: "/api/order/buy",
    body: { scid },
  });
  tell("invest", scid);
}
