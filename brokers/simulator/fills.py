"""The fill model: the state of an order at a given time. Pure: the same order at the same time has the same fills.

The price of a resting order is checked when the order arrives and at every whole minute after that. So the outcome does
not depend on how often the order is read, or whether it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from brokers.market.hours import Market
from brokers.market.prices import minutes
from brokers.ports.broker import BrokerStatus, OrderType, Side, Validity
from brokers.simulator.personas import FillBehaviour

STEPS: Final = 5
STEP: Final = timedelta(seconds=12)
UNMATCHED: Final = "orderUnmatched"
PriceAt = Callable[[datetime], Decimal]


@dataclass(frozen=True, slots=True)
class Working:
    """An order at the exchange. `price_checked_at`: when its price was last checked."""

    side: Side
    quantity: int
    order_type: OrderType
    validity: Validity
    price: Decimal | None
    trigger_price: Decimal | None
    fill_behaviour: FillBehaviour
    fill_error_code: str
    arrived_at: datetime
    lapses_at: datetime
    price_checked_at: datetime | None = None
    triggered: bool = False


@dataclass(frozen=True, slots=True)
class MatchedFill:
    """A fill of some shares at a price in rupees."""

    quantity: int
    price: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class FillProgress:
    """All fills since arrival, and the order's status; `price_checked_at` is where the next check begins."""

    status: BrokerStatus
    fills: tuple[MatchedFill, ...] = ()
    error_code: str = ""
    triggered: bool = False
    price_checked_at: datetime | None = None


def arrival(placed_at: datetime, latency: timedelta, market: Market) -> datetime | None:
    """The market's first open moment after the broker's latency; None if it does not open within the horizon."""
    return market.next_open(placed_at + latency)


def progress(order: Working, price_at: PriceAt, now: datetime) -> FillProgress:
    """Fills up to `now`, at the rupee prices of `price_at`."""
    if order.fill_behaviour is FillBehaviour.REJECT:
        return FillProgress(BrokerStatus.REJECTED, error_code=order.fill_error_code)
    if order.fill_behaviour is FillBehaviour.CANCEL:
        return FillProgress(BrokerStatus.CANCELLED, error_code=order.fill_error_code)
    if order.fill_behaviour is FillBehaviour.HOLD:
        return FillProgress(BrokerStatus.OPEN)
    if order.order_type is OrderType.MARKET:
        return _executed(order, order.arrived_at, price_at, now)
    return _resting(order, price_at, now)


def _executed(order: Working, matched_at: datetime, price_at: PriceAt, now: datetime) -> FillProgress:
    if order.fill_behaviour is FillBehaviour.STEPS:
        return _stepwise(order, matched_at, price_at, now)
    half = order.fill_behaviour is FillBehaviour.HALF and order.quantity > 1
    quantity = order.quantity // 2 if half else order.quantity
    fill = MatchedFill(quantity, price_at(matched_at), matched_at)
    status, code = (BrokerStatus.CANCELLED, UNMATCHED) if half else (BrokerStatus.COMPLETE, "")
    return FillProgress(status, (fill,), code, triggered=True)


def _stepwise(order: Working, matched_at: datetime, price_at: PriceAt, now: datetime) -> FillProgress:
    fills, done = [], 0
    for step in range(1, STEPS + 1):
        at = matched_at + step * STEP
        upto = order.quantity * step // STEPS
        if at <= now and upto > done:
            fills.append(MatchedFill(upto - done, price_at(at), at))
            done = upto
    status = BrokerStatus.COMPLETE if done == order.quantity else BrokerStatus.OPEN
    return FillProgress(status, tuple(fills), triggered=True)


def _resting(order: Working, price_at: PriceAt, now: datetime) -> FillProgress:
    """LIMIT, SL and SLM orders: they fill at the first check whose price allows it, unless they lapse before."""
    triggered = order.triggered or order.order_type is OrderType.LIMIT
    ioc = order.validity is Validity.IOC
    until = min(now, order.lapses_at, order.arrived_at if ioc else now)
    price_checked_at = order.price_checked_at or order.arrived_at
    for moment in minutes(price_checked_at, until):
        price_checked_at = moment
        price = price_at(moment)
        triggered = triggered or _reaches_trigger(order, price)
        if triggered and _crosses(order, price):
            return replace(_executed(order, moment, price_at, now), price_checked_at=moment)
    if ioc or now >= order.lapses_at:
        return FillProgress(
            BrokerStatus.CANCELLED, error_code=UNMATCHED, triggered=triggered, price_checked_at=price_checked_at
        )
    return FillProgress(BrokerStatus.OPEN, triggered=triggered, price_checked_at=price_checked_at)


def _reaches_trigger(order: Working, price: Decimal) -> bool:
    """A stop buy triggers when the price rises to its trigger, a stop sale when the price falls to it."""
    trigger = order.trigger_price or price
    return price >= trigger if order.side is Side.BUY else price <= trigger


def _crosses(order: Working, price: Decimal) -> bool:
    """Whether the price is at the limit or better; an SLM order has no limit."""
    if order.price is None or order.order_type is OrderType.SLM:
        return True
    return price <= order.price if order.side is Side.BUY else price >= order.price
