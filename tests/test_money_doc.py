"""The examples of docs/money.md are computed.

An example is a fenced block that begins with "example: <name>". Its lines are "<argument>: <value>" and one
"= <result>". EXAMPLES maps each name to a function that gets the values as texts, by argument, and returns the result
as it is written in the document. `amounts` and `written` read and write lists such as "INFY 5, TCS 2". To add an
example, write the block and add a line to EXAMPLES; a block without a line, or a line without a block, fails.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Final

import pytest

from brokers.market.charges import NOTHING, TARIFFS, ChargeClass, ChargedOrder, charges_of
from brokers.market.charges.tariffs import COMPARISON, NOT_FOUND
from brokers.market.price_bands import price_range
from brokers.market.proceeds import usable_today
from brokers.market.ticks import tick_for
from brokers.ports.broker import Side
from brokers.ports.order_limits import slice_sizes
from brokers.ports.registry import BROKERS, ORDER_LIMIT
from brokers.simulator.account_books.books import moving_average
from gateway.api.fields import Rupees
from gateway.partners import clock
from gateway.values.money import average, wire_amount
from smallcases.planner import (
    Leg,
    composition,
    exit_amount,
    exit_percent,
    minimum_investment,
    minimum_sip,
    rebalance,
    top_up,
)
from smallcases.planner.buffer import REBALANCE_BUFFER
from smallcases.planner.exact import spread
from smallcases.planner.whole import trimmed
from smallcases.portfolio.ledger import Fill, returns
from tests.programs import ROOT

DOCUMENT: Final = (ROOT / "docs" / "money.md").read_text()
BLOCKS: Final = re.findall(r"```example: (\w+)\n(.*?)```", DOCUMENT, re.DOTALL)


def amounts(text: str) -> dict[str, Decimal]:
    return {name: Decimal(number) for name, number in (pair.split() for pair in text.split(", "))}


def counts(text: str) -> dict[str, int]:
    return {name: int(number) for name, number in amounts(text).items()}


def written(of: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {number}" for name, number in of.items())


def sold(legs: Sequence[Leg]) -> str:
    return written({leg.ticker: leg.shares for leg in legs})


def charged(*, broker: str, on: str, orders: str) -> str:
    """Of orders such as "INFY SHARE BUY 100000", all together; a charge of nothing is left out."""
    filled = [
        ChargedOrder(ticker, ChargeClass(of), Side(side), Decimal(turnover), date.fromisoformat(on))
        for ticker, of, side, turnover in (order.split() for order in orders.split(", "))
    ]
    charges = sum(charges_of(filled, TARIFFS[broker]), NOTHING)
    named = {**asdict(charges), "total": charges.total}
    return written({name: f"{amount:.2f}" for name, amount in named.items() if amount})


def sides(text: str) -> list[tuple[str, int, Decimal]]:
    """Side, shares and price of each: "BUY 2 100, SELL 1 140"."""
    return [(side, int(shares), Decimal(price)) for side, shares, price in (one.split() for one in text.split(", "))]


def index_value(fills: str, price: str) -> str:
    now = clock.wall()
    made = [Fill("INFY", Side(side), shares, paid, now) for side, shares, paid in sides(fills)]
    return str(returns(made, {"INFY": Decimal(price)}).index_value)


def at_average(trades: str) -> str:
    shares, price = moving_average(sides(trades))
    return f"{shares} at {average(price)}"


def rebalanced(held: str, weights: str, prices: str) -> str:
    legs = rebalance(held=counts(held), weights=amounts(weights), prices=amounts(prices), buffer=REBALANCE_BUFFER)
    return ", ".join(f"{leg.side} {leg.shares} {leg.ticker}" for leg in legs) or "nothing"


EXAMPLES: Final[Mapping[str, Callable[..., str]]] = {
    "rebalance": rebalanced,
    "usable_today": lambda sales: str(usable_today(Decimal(sales), "kite")),
    "trimmed": lambda shares, prices, budget: written(trimmed(counts(shares), amounts(prices), Decimal(budget))),
    "spread": lambda weights, without: written(spread(amounts(weights), without={without})),
    "exit_amount": lambda held, prices, amount: sold(
        exit_amount(held=counts(held), prices=amounts(prices), amount=Decimal(amount))
    ),
    "exit_percent": lambda held, prices, percent: sold(
        exit_percent(held=counts(held), prices=amounts(prices), percent=int(percent))
    ),
    "composition": lambda shares, prices: written(composition(shares=counts(shares), prices=amounts(prices))),
    "top_up": lambda amount, held, target, prices: written(
        top_up(amount=Decimal(amount), held=counts(held), weights=amounts(target), prices=amounts(prices))
    ),
    "charges_of": charged,
    "index_value": index_value,
    "moving_average": at_average,
    "tick_for": lambda price: str(tick_for("STOCK", Decimal(price))),
    "price_range": lambda close, percent: " to ".join(
        f"{edge:.2f}" for edge in price_range(Decimal(close), int(percent))
    ),
    "slice_sizes": lambda shares, price: ", ".join(
        map(str, slice_sizes(int(shares), ORDER_LIMIT.largest(Decimal(price))))
    ),
    "wire_amount": lambda amount: str(wire_amount(Decimal(amount))),
    "Rupees": lambda amount: str(Rupees().run_validation(float(amount))),
    "minimum_investment": lambda weights, prices: str(
        minimum_investment(weights=amounts(weights), prices=amounts(prices))
    ),
    "minimum_sip": lambda weights, prices: str(minimum_sip(weights=amounts(weights), prices=amounts(prices))),
}


@pytest.mark.parametrize(("name", "block"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_an_example_is_computed_as_it_is_written(name: str, block: str) -> None:
    *lines, result = block.strip().splitlines()
    arguments = dict(line.split(": ", 1) for line in lines)

    assert f"= {EXAMPLES[name](**arguments)}" == result


def test_each_function_has_an_example() -> None:
    assert sorted(EXAMPLES) == sorted({name for name, _ in BLOCKS})


def test_the_table_of_tariffs_says_what_is_charged() -> None:
    sources = {NOT_FOUND: "assumed", COMPARISON: f"secondary: {COMPARISON}"}
    rows = [
        f"| {BROKERS[key].name} | {(one.rate * 100).normalize():f} | {one.minimum} | {one.cap} | {one.dp} |"
        f" {sources.get(one.source, one.source)} |"
        for key, one in TARIFFS.items()
    ]

    assert [line for line in DOCUMENT.splitlines() if line in rows] == rows
