"""The quote on the confirmation screen: the orders at current prices, their cost, and the available funds and shares.

Nothing is stored; `confirm` plans again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

from brokers.market.charges import Charges
from brokers.market.proceeds import usable_today
from brokers.market.quotes import quotes
from brokers.ports.broker import OrderType, Side
from brokers.user_questions import BrokerSilent, ask_broker, funds_of
from smallcases import planner
from smallcases.models import Smallcase
from transactions.checkout.confirm import UserSelections
from transactions.domain.basket import OrderLine, Security, settled
from transactions.domain.left_out import LeftOut, LeftOutReason
from transactions.domain.price_protection import QuotedOrder, orders_in
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest
from transactions.lifecycle.order_limits import check_order_limits
from transactions.lifecycle.plan_orders import check_tradable, plan
from transactions.queries.order_context import OrderContext, expected_charges

# Kinds whose sells pay for their buys.
PAID_BY_SELLS: Final = frozenset({OrderKind.REBALANCE, OrderKind.MANAGE})
NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """The data for a transaction's quote. `prices` in rupees, of every name that the order may contain."""

    order_request: SmallcaseOrderRequest | None
    basket: Sequence[Security]
    prices: Mapping[str, Decimal]
    names: Mapping[str, str]
    smallcase: Smallcase | None = None
    held: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def minimum(self) -> Decimal | None:
        """The smallest useful amount in rupees: one share of each name for a BUY, later one share of the cheapest."""
        if not self.weights or self.order_request is None:
            return None
        if self.order_request.kind is OrderKind.BUY:
            return planner.minimum_investment(weights=self.weights, prices=self.prices)
        return planner.minimum_sip(weights=self.weights, prices=self.prices)


@dataclass(frozen=True, slots=True)
class Row:
    """An order, in rupees: `price` per share now, `value` at that or its limit. `at_hand`: sellable shares, or None."""

    line: OrderLine
    name: str
    price: Decimal
    value: Decimal
    at_hand: int | None = None

    @property
    def is_short(self) -> bool:
        return self.at_hand is not None and self.at_hand < self.line.quantity


@dataclass(frozen=True, slots=True)
class OrderQuote:
    """Rupees. `funds` is None if nothing is bought or the broker does not answer.

    `charges` are those of a contract note with these orders alone: an estimate. `usable`: the part of the sells that
    pays for buys today. `waiting`: buys of a rebalance that it does not pay for, and `to_add` would.
    """

    rows: Sequence[Row]
    quoted: QuotedOrder
    buys: Decimal
    sells: Decimal
    charges: Charges
    needed: Decimal
    funds: Decimal | None
    is_open: bool
    opens_at: datetime | None
    as_of: datetime
    left_out: Sequence[LeftOut] = ()
    usable: Decimal = NOTHING
    waiting: Sequence[Row] = ()
    to_add: Decimal = NOTHING

    @property
    def lacks_funds(self) -> bool:
        return self.funds is not None and self.needed > self.funds

    @property
    def missing(self) -> Decimal:
        return max(self.needed - (self.funds or NOTHING), NOTHING)

    @property
    def is_short(self) -> bool:
        return any(row.is_short for row in self.rows)


def quote_request_of(context: OrderContext, *, also: Collection[str] = ()) -> QuoteRequest:
    """`also`: names that the user added. The context must be live."""
    order_request = context.order_request
    if order_request is None:
        prices, names = _market(context, {security.ticker for security in context.basket})
        return QuoteRequest(None, context.basket, prices, names)
    named = {*context.weights, *context.held, *also, *(order_request.selections.shares or ())}
    prices, names = _market(context, named)
    return QuoteRequest(
        order_request, context.basket, prices, names, context.smallcase, context.held, context.open_weights
    )


def quote_orders(context: OrderContext, *, of: QuoteRequest, selections: UserSelections) -> OrderQuote:
    """The quote of the selected order. Raises LoginRequired, and Invalid if selections are missing or buy nothing."""
    is_rebalance = of.order_request is not None and of.order_request.kind is OrderKind.REBALANCE
    funds = _funds(context) if is_rebalance else None
    planned = plan(context, selections.smallcase, prices=of.prices, funds=funds) if of.order_request else None
    lines = planned.lines if planned else settled(of.basket, selections.securities)
    if planned is None:
        check_tradable(lines)
        check_order_limits(context, lines)
    market, names = _market(context, {line.security.ticker for line in lines})
    prices = {**of.prices, **market}
    names = {**of.names, **names}
    rows = _rows(context, lines, prices, names)
    left_out = planned.left_out if planned else []
    waiting = _rows(context, [one.line for one in left_out if one.reason is LeftOutReason.MONEY], prices, names)
    buys, sells = (sum((r.value for r in rows if r.line.side is side), NOTHING) for side in (Side.BUY, Side.SELL))
    usable = usable_today(sells, context.account.broker)
    fees = _charges(context, rows)
    nets = of.order_request is not None and of.order_request.kind in PAID_BY_SELLS
    return OrderQuote(
        rows=rows,
        quoted=QuotedOrder(prices, orders_in(lines), planned.passed_over if planned else ()),
        buys=buys,
        sells=sells,
        charges=fees,
        needed=max(buys + fees.total - (usable if nets else NOTHING), NOTHING),
        funds=(funds if is_rebalance else _funds(context)) if buys else None,
        is_open=context.market.is_open(context.now),
        opens_at=context.market.next_open(context.now),
        as_of=context.now,
        left_out=left_out,
        usable=usable,
        waiting=waiting,
        to_add=_to_add(context, [*rows, *waiting], usable + (funds or NOTHING)) if waiting else NOTHING,
    )


def _to_add(context: OrderContext, rows: Sequence[Row], available: Decimal) -> Decimal:
    """Rupees, rounded up, with which all buys and charges can be paid for today."""
    buys = sum((row.value for row in rows if row.line.side is Side.BUY), NOTHING)
    return (buys + _charges(context, rows).total - available).to_integral_value(ROUND_CEILING)


def _charges(context: OrderContext, rows: Sequence[Row]) -> Charges:
    return expected_charges(context, [(row.line, row.value) for row in rows])


def _market(context: OrderContext, tickers: Collection[str]) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Prices and names by ticker; unknown instruments are left out."""
    market = quotes(context.transaction.gateway_id, tickers)
    return {t: quote.at(context.now) for t, quote in market.items()}, {t: quote.name for t, quote in market.items()}


def _rows(
    context: OrderContext, lines: Sequence[OrderLine], prices: Mapping[str, Decimal], names: Mapping[str, str]
) -> list[Row]:
    at_hand = _at_hand(context, sorted({line.security.ticker for line in lines if line.side is Side.SELL}))
    rows = []
    for line in lines:
        ticker = line.security.ticker
        held = at_hand.get(ticker, 0) if at_hand is not None and line.side is Side.SELL else None
        limited = line.security.order_type in {OrderType.LIMIT, OrderType.SL} and line.security.price
        rows.append(Row(line, names[ticker], prices[ticker], (limited or prices[ticker]) * line.quantity, held))
    return rows


def _at_hand(context: OrderContext, tickers: Sequence[str]) -> dict[str, int] | None:
    """Sellable shares by ticker; None if the broker does not answer. `confirm` asks the broker again."""
    if not tickers:
        return {}
    try:
        lots = ask_broker(
            context.account,
            lambda broker, session: broker.holdings(session, now=context.now, tickers=tickers),
            now=context.now,
        )
    except BrokerSilent:
        return None
    return {lot.ticker: lot.quantity for lot in lots}


def _funds(context: OrderContext) -> Decimal | None:
    try:
        return funds_of(context.account, now=context.now)
    except BrokerSilent:
        return None
