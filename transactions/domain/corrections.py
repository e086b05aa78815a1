"""What an order becomes when support corrects it, and whether the broker confirms it. Pure."""

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

OUTCOMES: Final = (OrderStatus.COMPLETE, OrderStatus.PARTIAL, OrderStatus.REJECTED, OrderStatus.CANCELLED)
FINAL: Final = frozenset({*OUTCOMES, OrderStatus.CANCELLED_AMO})
CAN_BE_CORRECTED: Final = FINAL | {OrderStatus.ERROR}
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
_BROKER_STATUS: Final = {
    OrderStatus.COMPLETE: BrokerStatus.COMPLETE,
    OrderStatus.REJECTED: BrokerStatus.REJECTED,
    OrderStatus.PARTIAL: BrokerStatus.CANCELLED,
    OrderStatus.CANCELLED: BrokerStatus.CANCELLED,
    OrderStatus.CANCELLED_AMO: BrokerStatus.CANCELLED,
}


class NotCorrectable(Conflict):
    """Support cannot correct this order now."""


class NothingNew(Conflict):
    """The order has this outcome already."""


# Without what no correction leaves behind: since when an order is unreported.
_KEPT_FIELDS: Final = tuple(field.name for field in fields(OrderState) if field.name != "unreported_since")


@dataclass(frozen=True, slots=True)
class CorrectedOutcome:
    """What became of an order. `average_price` in rupees, of what filled."""

    status: OrderStatus
    filled_quantity: int = 0
    average_price: Decimal | None = None
    exchange_order_id: str | None = None
    error_code: str | None = None


def corrected(state: OrderState, outcome: CorrectedOutcome) -> OrderState:
    """The state once it is corrected to `outcome`. Raises NotCorrectable, Invalid, NothingNew."""
    if state.status not in CAN_BE_CORRECTED:
        raise NotCorrectable(f"An order that is {state.status} is not support's to settle.")
    problems = _problems(state, outcome)
    if problems:
        raise Invalid(*problems)
    after = replace(
        state,
        status=outcome.status,
        filled_quantity=outcome.filled_quantity,
        average_price=None if outcome.average_price is None else average(outcome.average_price),
        exchange_order_id=outcome.exchange_order_id or state.exchange_order_id,
        error_code=_error_code(outcome),
        status_message=MESSAGE,
        unreported_since=None,
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
    """Whether the correction changes a final order."""
    return before.status in FINAL


def broker_confirms(state: OrderState, report: Report) -> bool | None:
    """Whether a broker's report says the same as `state`; None for a report that is not final."""
    if report.status is BrokerStatus.OPEN or state.status not in _BROKER_STATUS:
        return None
    same_price = _is_near(state.average_price, report.average_price)
    return (
        report.status is _BROKER_STATUS[state.status] and report.filled_quantity == state.filled_quantity and same_price
    )


def standing(current: BatchStatus, aggregated: BatchStatus) -> BatchStatus:
    """A batch that its user or support has closed stays closed, for as long as it is short of complete."""
    is_closed = current is BatchStatus.MARKEDCOMPLETE and aggregated in UNFINISHED_BATCH
    return current if is_closed else aggregated


def announcements(before: BatchStatus, after: BatchStatus) -> tuple[EventType, ...]:
    """A reconciliation is always told as an update; and as the end, where the batch ends by it."""
    ends = after in FINAL_BATCH and before not in FINAL_BATCH
    return (EventType.ORDER_UPDATED, EventType.ORDER_COMPLETED) if ends else (EventType.ORDER_UPDATED,)


def as_kept(state: OrderState) -> dict[str, Any]:
    """For a JSON column; exact."""
    price = state.average_price
    return {name: getattr(state, name) for name in _KEPT_FIELDS} | {
        "status": state.status.value,
        "average_price": None if price is None else str(average(price)),
    }


def from_kept(kept: dict[str, Any]) -> OrderState:
    """Older rows have another key, `silent_since`, which is always None."""
    price = kept["average_price"]
    exact = {"status": OrderStatus(kept["status"]), "average_price": None if price is None else Decimal(price)}
    return OrderState(**{name: kept[name] for name in _KEPT_FIELDS} | exact)


def _problems(state: OrderState, outcome: CorrectedOutcome) -> Sequence[str]:
    filled, price = outcome.filled_quantity, outcome.average_price
    wanted = {
        OrderStatus.COMPLETE: filled == state.quantity,
        OrderStatus.PARTIAL: 0 < filled < state.quantity,
        OrderStatus.REJECTED: filled == 0,
        OrderStatus.CANCELLED: filled == 0,
    }
    if outcome.status not in wanted:
        return [f"status: an order is settled as one of {', '.join(OUTCOMES)}."]
    problems = []
    if not wanted[outcome.status]:
        problems.append(f"filled: {outcome.status} of {state.quantity} shares cannot have filled {filled}.")
    if (filled > 0) != (price is not None and price > 0):
        problems.append("price: the average price of what filled, and only of that.")
    if filled and not (outcome.exchange_order_id or state.exchange_order_id):
        problems.append("exchange order id: what filled was at the exchange; the tradebook has its number there.")
    if outcome.error_code is not None and outcome.error_code not in ERROR_CODES:
        problems.append(f"error code: must be one of {', '.join(ERROR_CODES)}.")
    return problems


def _error_code(outcome: CorrectedOutcome) -> str | None:
    if outcome.status is OrderStatus.REJECTED:
        return outcome.error_code or OTHER_ERROR
    return None if outcome.status is OrderStatus.COMPLETE else outcome.error_code


def _is_near(one: Decimal | None, other: Decimal | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= ROUNDING
