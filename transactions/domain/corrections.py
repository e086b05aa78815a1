"""What an order becomes when support settles it, and whether the broker agrees. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, Final

from brokers.ports.broker import BrokerStatus, Report
from gateway.values.errors import Conflict, Invalid
from gateway.values.money import average
from transactions.domain.order_reports import OrderState
from transactions.domain.statuses import FINAL_BATCH, UNFINISHED_BATCH, BatchStatus, OrderStatus
from webhooks.events.event_types import EventType

SETTLED_AS: Final = (OrderStatus.COMPLETE, OrderStatus.PARTIAL, OrderStatus.REJECTED, OrderStatus.CANCELLED)
FINAL: Final = frozenset({*SETTLED_AS, OrderStatus.CANCELLED_AMO})
CAN_BE_SETTLED: Final = FINAL | {OrderStatus.ERROR}
MESSAGE: Final = "Settled by support."
OTHER_ERROR: Final = "otherError"
ERROR_CODES: Final = (
    "checkHoldings",
    "marginsExceeded",
    "orderUnmatched",
    "circuitLimitExceeded",
    "securityNotAllowed",
    "invalidOrder",
    "clientNotEnabled",
    "sessionExpired",
    OTHER_ERROR,
)
# Averages are rounded to four decimals on either side, each from its own trades.
ROUNDING: Final = Decimal("0.0001")
_TOLD: Final = {
    OrderStatus.COMPLETE: BrokerStatus.COMPLETE,
    OrderStatus.REJECTED: BrokerStatus.REJECTED,
    OrderStatus.PARTIAL: BrokerStatus.CANCELLED,
    OrderStatus.CANCELLED: BrokerStatus.CANCELLED,
    OrderStatus.CANCELLED_AMO: BrokerStatus.CANCELLED,
}


class NotSettleable(Conflict):
    """Nothing about this order is support's to decide, at this moment."""


class NothingNew(Conflict):
    """The order is what it is to be settled as."""


_STATE_FIELDS: Final = tuple(field.name for field in fields(OrderState))


@dataclass(frozen=True, slots=True)
class Truth:
    """What became of an order. `average_price` in rupees, of what filled."""

    status: OrderStatus
    filled_quantity: int = 0
    average_price: Decimal | None = None
    exchange_order_id: str | None = None
    error_code: str | None = None


def settled(state: OrderState, truth: Truth) -> OrderState:
    """The state once it is settled as `truth`. Raises NotSettleable, Invalid, NothingNew."""
    if state.status not in CAN_BE_SETTLED:
        raise NotSettleable(f"An order that is {state.status} is not support's to settle.")
    problems = _problems(state, truth)
    if problems:
        raise Invalid(*problems)
    after = replace(
        state,
        status=truth.status,
        filled_quantity=truth.filled_quantity,
        average_price=None if truth.average_price is None else average(truth.average_price),
        exchange_order_id=truth.exchange_order_id or state.exchange_order_id,
        error_code=_error_code(truth),
        status_message=MESSAGE,
        silent_since=None,
    )
    if is_same(state, after):
        raise NothingNew(f"This order is {state.status} already, with the same shares at the same price.")
    return after


def is_same(one: OrderState, other: OrderState) -> bool:
    """The same outcome: status, shares and price."""
    return (one.status, one.filled_quantity, one.average_price) == (
        other.status,
        other.filled_quantity,
        other.average_price,
    )


def is_overturned(before: OrderState) -> bool:
    """What is settled otherwise was final."""
    return before.status in FINAL


def agrees(state: OrderState, report: Report) -> bool | None:
    """Whether a broker's report says the same as `state`; None for a report that is not final."""
    if report.status is BrokerStatus.OPEN or state.status not in _TOLD:
        return None
    same_price = _is_near(state.average_price, report.average_price)
    return report.status is _TOLD[state.status] and report.filled_quantity == state.filled_quantity and same_price


def standing(current: BatchStatus, fold: BatchStatus) -> BatchStatus:
    """A batch that its user or support has closed stays closed, for as long as it is short of complete."""
    is_closed = current is BatchStatus.MARKEDCOMPLETE and fold in UNFINISHED_BATCH
    return current if is_closed else fold


def announcements(before: BatchStatus, after: BatchStatus) -> tuple[EventType, ...]:
    """A reconciliation is always told as an update; and as the end, where the batch ends by it."""
    ends = after in FINAL_BATCH and before not in FINAL_BATCH
    return (EventType.ORDER_UPDATED, EventType.ORDER_COMPLETED) if ends else (EventType.ORDER_UPDATED,)


def as_kept(state: OrderState) -> dict[str, Any]:
    """For a JSON column; exact."""
    price = state.average_price
    return {name: getattr(state, name) for name in _STATE_FIELDS} | {
        "status": state.status.value,
        "average_price": None if price is None else str(average(price)),
        "silent_since": None,
    }


def from_kept(kept: dict[str, Any]) -> OrderState:
    price = kept["average_price"]
    return OrderState(
        **kept | {"status": OrderStatus(kept["status"]), "average_price": None if price is None else Decimal(price)}
    )


def _problems(state: OrderState, truth: Truth) -> Sequence[str]:
    filled, price = truth.filled_quantity, truth.average_price
    wanted = {
        OrderStatus.COMPLETE: filled == state.quantity,
        OrderStatus.PARTIAL: 0 < filled < state.quantity,
        OrderStatus.REJECTED: filled == 0,
        OrderStatus.CANCELLED: filled == 0,
    }
    if truth.status not in wanted:
        return [f"status: an order is settled as one of {', '.join(SETTLED_AS)}."]
    problems = []
    if not wanted[truth.status]:
        problems.append(f"filled: {truth.status} of {state.quantity} shares cannot have filled {filled}.")
    if (filled > 0) != (price is not None and price > 0):
        problems.append("price: the average price of what filled, and only of that.")
    if filled and not (truth.exchange_order_id or state.exchange_order_id):
        problems.append("exchange order id: what filled was at the exchange; the tradebook has its number there.")
    if truth.error_code is not None and truth.error_code not in ERROR_CODES:
        problems.append(f"error code: must be one of {', '.join(ERROR_CODES)}.")
    return problems


def _error_code(truth: Truth) -> str | None:
    if truth.status is OrderStatus.REJECTED:
        return truth.error_code or OTHER_ERROR
    return None if truth.status is OrderStatus.COMPLETE else truth.error_code


def _is_near(one: Decimal | None, other: Decimal | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= ROUNDING
