"""The fill model: the state of an order at a given time. Pure: the same order at the same time has the same fills.

The price of a resting order is checked when the order arrives and at every whole minute after that. So the outcome does
not depend on how often the order is read, or whether it is. No fill is beyond the order's limit, outside the day's
price band, or at or after the end of the session.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from brokers.market.hours import Market
from brokers.market.price_bands import PriceRange
from brokers.market.prices import minutes
from brokers.ports.broker import BrokerStatus, OrderType, Side, Validity
from brokers.simulator.personas import FillBehaviour

STEPS: Final = 5
STEP: Final = timedelta(seconds=12)
# The part of an order that fills at once is its quantity divided by this; the rest does not fill. At least one share.
AT_ONCE: Final = {FillBehaviour.HALF: 2, FillBehaviour.STEPS: STEPS}
LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.SL})
STOPS: Final = frozenset({OrderType.SL, OrderType.SLM})
UNMATCHED: Final = "orderUnmatched"
BEYOND_BAND: Final = "circuitLimitExceeded"
BAD_STOP: Final = "invalidOrder"
PriceAt = Callable[[datetime], Decimal]


@dataclass(frozen=True, slots=True)
class Working:
    """An order at the exchange. `price_checked_at`: when its price was last checked.

    `band`: the lowest and the highest price in rupees at which the security trades on this day; None: any price.
    """

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
    band: PriceRange | None = None
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


def refused_at_entry(order: Working, *, price: Decimal, limits: PriceRange) -> str:
    """The errorCode with which the exchange rejects the order on arrival, or an empty string.

    `price` is the last one, `limits` the lowest and the highest that an order may name. A stop order's trigger is
    beyond the last price, above it for a buy, and its limit is at the trigger or beyond.
    """
    named = [one for one in (order.price, order.trigger_price) if one is not None]
    if not all(limits[0] <= one <= limits[1] for one in named) or not _in_band(order, price):
        return BEYOND_BAND
    if order.order_type not in STOPS:
        return ""
    sign = 1 if order.side is Side.BUY else -1
    trigger = order.trigger_price or price
    backwards = order.order_type is OrderType.SL and order.price is not None and sign * (order.price - trigger) < 0
    return BAD_STOP if sign * (trigger - price) <= 0 or backwards else ""


def progress(order: Working, price_at: PriceAt, now: datetime) -> FillProgress:
    """Fills up to `now`, at the rupee prices of `price_at`."""
    if order.fill_behaviour is FillBehaviour.REJECT:
        return FillProgress(BrokerStatus.REJECTED, error_code=order.fill_error_code)
    if order.fill_behaviour is FillBehaviour.CANCEL:
        return FillProgress(BrokerStatus.CANCELLED, error_code=order.fill_error_code)
    if order.fill_behaviour is FillBehaviour.HOLD:
        return FillProgress(BrokerStatus.OPEN)
    return _matched(order, price_at, now)


def _executed(order: Working, matched_at: datetime, price_at: PriceAt, now: datetime) -> FillProgress:
    if order.fill_behaviour is FillBehaviour.STEPS and order.validity is Validity.DAY:
        return _stepwise(order, matched_at, price_at, now)
    quantity = max(order.quantity // AT_ONCE.get(order.fill_behaviour, 1), 1)
    fill = MatchedFill(quantity, price_at(matched_at), matched_at)
    whole = quantity == order.quantity
    status, code = (BrokerStatus.COMPLETE, "") if whole else (BrokerStatus.CANCELLED, UNMATCHED)
    return FillProgress(status, (fill,), code, triggered=True)


def _stepwise(order: Working, matched_at: datetime, price_at: PriceAt, now: datetime) -> FillProgress:
    """A fifth every STEP; while the price is beyond the order's limit or the band, the next step waits."""
    fills: list[MatchedFill] = []
    parts = [order.quantity * step // STEPS for step in range(STEPS + 1)]
    steps = [later - earlier for earlier, later in pairwise(parts) if later > earlier]
    at = matched_at + STEP * (STEPS - len(steps))
    while len(fills) < len(steps) and (at := at + STEP) <= now and at < order.lapses_at:
        if _crosses(order, price := price_at(at)):
            fills.append(MatchedFill(steps[len(fills)], price, at))
    if len(fills) == len(steps):
        return FillProgress(BrokerStatus.COMPLETE, tuple(fills), triggered=True)
    if now >= order.lapses_at:
        return FillProgress(BrokerStatus.CANCELLED, tuple(fills), UNMATCHED, triggered=True)
    return FillProgress(BrokerStatus.OPEN, tuple(fills), triggered=True)


def _matched(order: Working, price_at: PriceAt, now: datetime) -> FillProgress:
    """An order fills at the first check whose price allows it, a market order at once, unless it lapses before."""
    triggered = order.triggered or order.order_type not in STOPS
    ioc = order.validity is Validity.IOC
    price_checked_at = order.price_checked_at or order.arrived_at
    for moment in minutes(price_checked_at, order.arrived_at if ioc else now):
        if moment >= order.lapses_at:
            break
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
    """Whether the order may fill at the price: in the band, and at the limit or better. An SLM order has no limit."""
    if not _in_band(order, price):
        return False
    if order.price is None or order.order_type not in LIMITED:
        return True
    return price <= order.price if order.side is Side.BUY else price >= order.price


def _in_band(order: Working, price: Decimal) -> bool:
    return order.band is None or order.band[0] <= price <= order.band[1]
