"""The quote on the confirmation screen: the orders at current prices, their cost, and the available funds and shares.

Nothing is stored; `confirm` plans again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from brokers.market.calendar import market_of
from brokers.market.charges import charges
from brokers.market.quotes import quotes
from brokers.ports.broker import LinkDown, OrderType, Side
from brokers.ports.registry import adapter_for, profile_of
from smallcases import planner
from smallcases.models import Investment, Smallcase
from smallcases.portfolio.investments import newest_version, weights_of
from transactions.checkout.confirm import UserSelections
from transactions.domain.basket import OrderLine, Security, securities_of, settled
from transactions.domain.price_protection import QuotedOrder, orders_in
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest, order_request_of
from transactions.lifecycle.claim import account_of, login_of
from transactions.lifecycle.eligibility import own_investment
from transactions.lifecycle.plan_orders import check_tradable, plan, sellable
from transactions.models import Transaction

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
            return planner.minimum_investment(weights=dict(self.weights), prices=dict(self.prices))
        return min(self.prices[ticker] for ticker in self.weights)


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
    """Rupees. `funds` is None if nothing is bought or the broker does not answer."""

    rows: Sequence[Row]
    quoted: QuotedOrder
    buys: Decimal
    sells: Decimal
    charges: Decimal
    needed: Decimal
    funds: Decimal | None
    is_open: bool
    opens_at: datetime | None
    as_of: datetime

    @property
    def lacks_funds(self) -> bool:
        return self.funds is not None and self.needed > self.funds

    @property
    def missing(self) -> Decimal:
        return max(self.needed - (self.funds or NOTHING), NOTHING)

    @property
    def is_short(self) -> bool:
        return any(row.is_short for row in self.rows)


def quote_request_of(*, transaction: Transaction, also: Collection[str] = (), now: datetime) -> QuoteRequest:
    """`also`: names that the user added. Raises NoOrder or NotFound if the investment does not exist any more."""
    order_request, basket = order_request_of(transaction.order_config), securities_of(transaction.order_config)
    if order_request is None:
        prices, names = _market(transaction, {security.ticker for security in basket}, now)
        return QuoteRequest(None, basket, prices, names)
    investment = (
        None if order_request.kind is OrderKind.BUY else own_investment(transaction.account, order_request.iscid)
    )
    smallcase = investment.smallcase if investment else Smallcase.objects.get(scid=order_request.scid)
    held = sellable(investment) if investment else {}
    weights = _weights(investment, smallcase, order_request)
    prices, names = _market(transaction, {*weights, *held, *also, *(order_request.selections.shares or ())}, now)
    return QuoteRequest(order_request, basket, prices, names, smallcase, held, weights)


def quote_orders(
    *, of: QuoteRequest, transaction: Transaction, selections: UserSelections, now: datetime
) -> OrderQuote:
    """The quote of the selected order. Raises Invalid if selections are missing or buy nothing."""
    lines = _lines(of, transaction, selections, now)
    check_tradable(lines)
    market, names = _market(transaction, {line.security.ticker for line in lines}, now)
    prices = {**of.prices, **market}
    rows = _rows(transaction, lines, prices, {**of.names, **names}, now)
    buys, sells = (sum((r.value for r in rows if r.line.side is side), NOTHING) for side in (Side.BUY, Side.SELL))
    tariff = profile_of(account_of(transaction).broker).tariff
    fees = sum((charges(tariff, row.line.side, row.value) for row in rows), NOTHING)
    nets = of.order_request is not None and of.order_request.kind in PAID_BY_SELLS
    hours = market_of(transaction.gateway, now=now)
    return OrderQuote(
        rows=rows,
        quoted=QuotedOrder(prices, orders_in(lines)),
        buys=buys,
        sells=sells,
        charges=fees,
        needed=max(buys + fees - (sells if nets else NOTHING), NOTHING),
        funds=_funds(transaction, now) if buys else None,
        is_open=hours.is_open(now),
        opens_at=hours.next_open(now),
        as_of=now,
    )


def _weights(
    investment: Investment | None, smallcase: Smallcase, order_request: SmallcaseOrderRequest
) -> dict[str, Decimal]:
    stays = investment is not None and order_request.kind is not OrderKind.REBALANCE
    return weights_of(investment.version if investment and stays else newest_version(smallcase))


def _market(
    transaction: Transaction, tickers: Collection[str], now: datetime
) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Prices and names by ticker; unknown instruments are left out."""
    market = quotes(transaction.gateway_id, tickers)
    return {t: quote.at(now) for t, quote in market.items()}, {t: quote.name for t, quote in market.items()}


def _lines(of: QuoteRequest, transaction: Transaction, selections: UserSelections, now: datetime) -> list[OrderLine]:
    if of.order_request is None:
        return settled(of.basket, selections.securities)
    chosen = of.order_request.selections.over(selections.smallcase)
    return plan(
        transaction=transaction, order_request=of.order_request, selections=chosen, prices=of.prices, now=now
    ).lines


def _rows(
    transaction: Transaction,
    lines: Sequence[OrderLine],
    prices: Mapping[str, Decimal],
    names: Mapping[str, str],
    now: datetime,
) -> list[Row]:
    at_hand = _at_hand(transaction, sorted({line.security.ticker for line in lines if line.side is Side.SELL}), now)
    rows = []
    for line in lines:
        ticker = line.security.ticker
        held = at_hand.get(ticker, 0) if at_hand is not None and line.side is Side.SELL else None
        rows.append(Row(line, names[ticker], prices[ticker], _value(line, prices[ticker]), held))
    return rows


def _value(line: OrderLine, price: Decimal) -> Decimal:
    limited = line.security.order_type in {OrderType.LIMIT, OrderType.SL} and line.security.price
    return (limited or price) * line.quantity


def _at_hand(transaction: Transaction, tickers: Sequence[str], now: datetime) -> dict[str, int] | None:
    """Sellable shares by ticker; None if the broker does not answer. `confirm` asks the broker again."""
    account = account_of(transaction)
    if not tickers:
        return {}
    try:
        lots = adapter_for(account.broker).holdings(login_of(transaction, account), now=now, tickers=tickers)
    except LinkDown:
        return None
    return {lot.ticker: lot.quantity for lot in lots}


def _funds(transaction: Transaction, now: datetime) -> Decimal | None:
    account = account_of(transaction)
    try:
        return adapter_for(account.broker).funds(login_of(transaction, account), now=now)
    except LinkDown:
        return None
