"""Brings order book and tradebook up to a moment: risk check, fills, trades, in a handful of statements."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

from brokers.calendar import market_of
from brokers.charges import Tariff, charges
from brokers.hours import Market
from brokers.port import OrderType, Side, Validity
from brokers.quotes import Quote, quotes
from brokers.simulator import books
from brokers.simulator.fills import Fill, Progress, Working, progress
from brokers.simulator.latency import arrival
from brokers.simulator.models import SimOrder, SimTrade, Status
from brokers.simulator.personas import Fate
from gateway.money import average
from gateway.updating import insert_each, update_each

WRITTEN = [
    "status",
    "admitted",
    "triggered",
    "looked_at",
    "filled_quantity",
    "average_price",
    "exchange_order_id",
    "error_code",
    "said_at",
]


def bring_up_to_date(orders: Sequence[SimOrder], latency: timedelta, tariff: Tariff, now: datetime) -> None:
    """Of one account, locked by the caller; changes the given rows and writes those that changed."""
    waiting = [order for order in orders if order.status == Status.OPEN]
    if not waiting:
        return
    account = waiting[0].account
    market = market_of(account.gateway, now=now)
    arrived = {o.pk: at for o in waiting if (at := arrival(o.placed_at, latency, market)) and at <= now}
    reached = [order for order in waiting if order.pk in arrived]
    if not reached:
        return
    prices = quotes(account.gateway_id, {order.ticker for order in reached})
    _admit([order for order in reached if not order.admitted], prices, now)
    trades: list[SimTrade] = []
    for order in reached:
        if order.status == Status.OPEN:
            working = _working(order, arrived[order.pk], market)
            came = progress(working, prices[order.ticker].at, now)
            trades += _advance(order, came, tariff, now)
    insert_each(trades)
    update_each(reached, WRITTEN)


def cancel(orders: Sequence[SimOrder], now: datetime) -> None:
    """By the user: whatever is still open, up to date and locked by the caller."""
    still_open = [order for order in orders if order.status == Status.OPEN]
    for order in still_open:
        order.status, order.said_at = Status.CANCELLED, now
    update_each(still_open, ["status", "said_at"])


def record_fill(order: SimOrder, number: int, fill: Fill, tariff: Tariff) -> SimTrade:
    """Its trade, still to be written; the order counts it."""
    before = (order.average_price or Decimal(0)) * order.filled_quantity
    order.filled_quantity += fill.quantity
    order.average_price = average((before + fill.price * fill.quantity) / order.filled_quantity)
    return SimTrade(
        order=order,
        account_id=order.account_id,
        ticker=order.ticker,
        side=order.side,
        number=number,
        quantity=fill.quantity,
        price=fill.price,
        charges=charges(tariff, Side(order.side), fill.price * fill.quantity),
        at=fill.at,
    )


def _admit(orders: Sequence[SimOrder], prices: Mapping[str, Quote], now: datetime) -> None:
    """What passes the risk check gets its exchange order id; what does not is rejected by the broker."""
    if not orders:
        return
    refused = books.refuse_what_is_not_covered(orders[0].account, orders, prices)
    for order in orders:
        order.admitted = True
        if order.ref in refused:
            order.status, order.error_code, order.said_at = Status.REJECTED, refused[order.ref], now
        else:
            order.exchange_order_id = exchange_order_id(order.ref)


def _advance(order: SimOrder, came: Progress, tariff: Tariff, now: datetime) -> list[SimTrade]:
    trades = _new_trades(order, came.fills, tariff)
    if trades or came.status.value != order.status:
        order.said_at = trades[-1].at if trades else now
    order.status, order.error_code = came.status.value, came.error_code
    order.triggered, order.looked_at = came.triggered, came.looked_at
    return trades


def _working(order: SimOrder, arrived_at: datetime, market: Market) -> Working:
    return Working(
        side=Side(order.side),
        quantity=order.quantity,
        order_type=OrderType(order.order_type),
        validity=Validity(order.validity),
        price=order.price,
        trigger_price=order.trigger_price,
        fate=Fate(order.fate),
        fate_code=order.fate_code,
        arrived_at=arrived_at,
        lapses_at=market.closing(arrived_at),
        looked_at=order.looked_at,
        triggered=order.triggered,
    )


def _new_trades(order: SimOrder, fills: Sequence[Fill], tariff: Tariff) -> list[SimTrade]:
    """Fills are told from the beginning; those that were recorded before are passed over."""
    trades, told = [], 0
    for number, fill in enumerate(fills, start=1):
        told += fill.quantity
        if told > order.filled_quantity:
            trades.append(record_fill(order, number, fill, tariff))
    return trades


def exchange_order_id(ref: str) -> str:
    """Sixteen digits, as NSE's are; the same for the same ref."""
    return str(10**15 + int.from_bytes(blake2b(ref.encode(), digest_size=6).digest(), "big"))
