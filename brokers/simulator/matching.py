"""Brings an account's orders and trades up to date: risk check, fills and trades, in a few statements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from itertools import accumulate
from typing import Final

from brokers.market.calendar import market_of
from brokers.market.charges import Tariff
from brokers.market.hours import Market
from brokers.market.price_bands import OPERATING_RANGE, price_range
from brokers.market.quotes import Quote, quotes
from brokers.market.series import TRADE_TO_TRADE
from brokers.market.trading_days import previous_close_at
from brokers.ports.broker import OrderType, Side, Validity
from brokers.ports.order_limits import OrderLimit, split_at_slices
from brokers.simulator.account_books import books
from brokers.simulator.account_books.books import Balances
from brokers.simulator.account_books.delivery import locked
from brokers.simulator.fills import FillProgress, MatchedFill, Working, arrival, progress, refused_at_entry
from brokers.simulator.models import SimAccount, SimOrder, SimStatus, SimTrade
from brokers.simulator.personas import FillBehaviour
from brokers.simulator.slices import exchange_order_id
from gateway.database.rows import insert_rows, update_rows
from gateway.values.money import average

WRITTEN = [
    "status",
    "admitted",
    "blocked",
    "triggered",
    "price_checked_at",
    "filled_quantity",
    "average_price",
    "exchange_order_id",
    "slice_quantity",
    "error_code",
    "reported_at",
]
TOO_LARGE: Final = "invalidOrder"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms in which the simulated brokers differ."""

    latency: timedelta
    tariff: Tariff
    order_limit: OrderLimit
    slices: bool


def bring_up_to_date(account: SimAccount, orders: Sequence[SimOrder], terms: Terms, now: datetime) -> None:
    """Changes and writes those of the given orders that are open, one after the other: sales pay for later purchases.

    The caller has locked the account.
    """
    waiting = [order for order in orders if order.status == SimStatus.OPEN]
    if not waiting:
        return
    market = market_of(account.gateway, now=now)
    arrived = {o.pk: at for o in waiting if (at := arrival(o.placed_at, terms.latency, market)) and at <= now}
    reached = [order for order in waiting if order.pk in arrived]
    if not reached:
        return
    prices = quotes(account.gateway_id, {order.ticker for order in reached})
    # Most checks of a resting order change nothing.
    look_up = cache(partial(books.balances, account, prices.keys(), since=min(arrived.values()), now=now))
    sold = {order.ticker for order in reached if order.side == Side.SELL and not order.admitted}
    tied = locked(account, {ticker for ticker in sold if prices[ticker].series in TRADE_TO_TRADE}, now)
    trades: list[SimTrade] = []
    for order in reached:
        if not order.admitted:
            quote, at = prices[order.ticker], arrived[order.pk]
            cost = books.cost(order, quote, at, terms.tariff, look_up().traded)
            refusal = _refused_at_entry(order, quote, at, market) or _sliced(order, quote.at(at), terms)
            refusal = refusal or look_up().refusal(order, cost, tied.get(order.ticker, 0))
            _admit(order, refusal, look_up(), cost, now)
        if order.status == SimStatus.OPEN:
            quote = prices[order.ticker]
            came = progress(_working(order, quote, arrived[order.pk], market), quote.at, now)
            trades += _advance(order, came, look_up, terms.tariff, now)
    insert_rows(trades)
    update_rows(reached, WRITTEN)


def cancel(orders: Sequence[SimOrder], now: datetime) -> None:
    """Cancels the orders that are open, for the user. The caller has locked them and brought them up to date."""
    still_open = [order for order in orders if order.status == SimStatus.OPEN]
    for order in still_open:
        order.status, order.reported_at = SimStatus.CANCELLED, now
    update_rows(still_open, ["status", "reported_at"])


def trades_of(order: SimOrder, fills: Sequence[MatchedFill], *, filled: int) -> list[SimTrade]:
    """Trades of fills that follow `filled` shares, not saved, numbered or charged: none belongs to two slices."""
    parts = split_at_slices([fill.quantity for fill in fills], order.slice_quantity or order.quantity, filled=filled)
    return [_trade(order, fills[index], slice_, shares) for index, slice_, shares in parts]


def _trade(order: SimOrder, fill: MatchedFill, slice_: int, shares: int) -> SimTrade:
    return SimTrade(
        order=order,
        account_id=order.account_id,
        ticker=order.ticker,
        side=order.side,
        slice=slice_,
        quantity=shares,
        price=fill.price,
        at=fill.at,
    )


def record(order: SimOrder, trade: SimTrade, balances: Balances) -> None:
    """Counts the trade in the account and the order. The caller saves all three."""
    balances.take(order, trade)
    before = (order.average_price or Decimal(0)) * order.filled_quantity
    order.filled_quantity += trade.quantity
    order.average_price = average((before + trade.price * trade.quantity) / order.filled_quantity)


def _sliced(order: SimOrder, price: Decimal, terms: Terms) -> str:
    """Slices an order above the broker's limit; the errorCode if the broker takes no slices, or an empty string."""
    largest = terms.order_limit.largest(order.price or order.trigger_price or price)
    if order.quantity <= largest:
        return ""
    if not terms.slices:
        return TOO_LARGE
    order.slice_quantity = largest
    return ""


def _refused_at_entry(order: SimOrder, quote: Quote, at: datetime, market: Market) -> str:
    limits = price_range(quote.close(previous_close_at(market, at)), quote.price_band or OPERATING_RANGE)
    return refused_at_entry(_working(order, quote, at, market), price=quote.at(at), limits=limits)


def _admit(order: SimOrder, refusal: str, balances: Balances, cost: Decimal, now: datetime) -> None:
    """An order that passes the checks gets its exchange order id; otherwise exchange or broker have rejected it."""
    order.admitted = True
    if refusal:
        order.status, order.error_code, order.reported_at = SimStatus.REJECTED, refusal, now
    else:
        balances.block(order, cost)
        order.exchange_order_id = exchange_order_id(order.ref)


def _advance(
    order: SimOrder, came: FillProgress, look_up: Callable[[], Balances], tariff: Tariff, now: datetime
) -> list[SimTrade]:
    """The broker cancels the rest of an order at the first fill that the account cannot pay for."""
    trades = []
    status, error_code = came.status.value, came.error_code
    for trade in _new_trades(order, came.fills):
        look_up().traded.charge(trade, tariff)
        if shortfall := look_up().shortfall(order, trade):
            status, error_code = SimStatus.CANCELLED, shortfall
            break
        record(order, trade, look_up())
        trades.append(trade)
    if trades or status != order.status:
        order.reported_at = trades[-1].at if trades else now
    order.status, order.error_code = status, error_code
    order.triggered, order.price_checked_at = came.triggered, came.price_checked_at
    if order.status != SimStatus.OPEN:
        look_up().release(order)  # the balances count the order as open, because its row still says so
    return trades


def _working(order: SimOrder, quote: Quote, arrived_at: datetime, market: Market) -> Working:
    close = quote.close(previous_close_at(market, arrived_at))
    return Working(
        side=Side(order.side),
        quantity=order.quantity,
        order_type=OrderType(order.order_type),
        validity=Validity(order.validity),
        price=order.price,
        trigger_price=order.trigger_price,
        fill_behaviour=FillBehaviour(order.fill_behaviour),
        fill_error_code=order.fill_error_code,
        arrived_at=arrived_at,
        lapses_at=market.closing(arrived_at),
        band=price_range(close, quote.price_band) if quote.price_band else None,
        price_checked_at=order.price_checked_at,
        triggered=order.triggered,
    )


def _new_trades(order: SimOrder, fills: Sequence[MatchedFill]) -> list[SimTrade]:
    """Trades for the fills that have none yet: fills are computed from the order's arrival each time."""
    trades = trades_of(order, fills, filled=0)
    for number, trade in enumerate(trades, start=1):
        trade.number = number
    filled = accumulate(trade.quantity for trade in trades)
    return [trade for trade, upto in zip(trades, filled, strict=True) if upto > order.filled_quantity]
