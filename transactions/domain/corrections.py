"""The rules for support's corrections of orders, and whether a broker's report confirms one. Pure."""

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
MESSAGE: Final = "Corrected by support."
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
# The gateway and the broker each round averages of their own trades to four decimals.
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
    """The order already has this outcome."""


# Without what no correction leaves behind: since when an order is unreported.
_KEPT_FIELDS: Final = tuple(field.name for field in fields(OrderState) if field.name != "unreported_since")


@dataclass(frozen=True, slots=True)
class CorrectedOutcome:
    """The corrected outcome of an order. `average_price` of the filled shares, in rupees."""

    status: OrderStatus
    filled_quantity: int = 0
    average_price: Decimal | None = None
    exchange_order_id: str | None = None
    error_code: str | None = None


def corrected(state: OrderState, outcome: CorrectedOutcome) -> OrderState:
    """The state after the correction to `outcome`. Raises NotCorrectable, Invalid, NothingNew."""
    if state.status not in CAN_BE_CORRECTED:
        raise NotCorrectable(f"An order in status {state.status} cannot be corrected.")
    problems = _problems(state, outcome)
    if problems:
        raise Invalid(*problems)
    after = replace(
        state,
        status=outcome.status,
        filled_quantity=outcome.filled_quantity,
        average_price=None if outcome.average_price is None else average(outcome.average_price),
        exchange_order_id=outcome.exchange_order_id or state.exchange_order_id,
        slices=None,  # the tradebook names the order, not its parts
        error_code=_error_code(outcome),
        status_message=MESSAGE,
        unreported_since=None,
    )
    if is_same(state, after):
        raise NothingNew(f"This order is already {state.status}, with the same shares at the same price.")
    return after


def is_same(one: OrderState, other: OrderState) -> bool:
    """Whether status, shares and price are equal."""
    return (one.status, one.filled_quantity, one.average_price) == (
        other.status,
        other.filled_quantity,
        other.average_price,
    )


def is_overturned(before: OrderState) -> bool:
    """Whether the correction changes a final order."""
    return before.status in FINAL


def broker_confirms(state: OrderState, report: Report) -> bool | None:
    """Whether the broker's report agrees with `state`; None if the report is not final."""
    if report.status is BrokerStatus.OPEN or state.status not in _BROKER_STATUS:
        return None
    same_price = _is_near(state.average_price, report.average_price)
    return (
        report.status is _BROKER_STATUS[state.status] and report.filled_quantity == state.filled_quantity and same_price
    )


def standing(current: BatchStatus, aggregated: BatchStatus) -> BatchStatus:
    """The batch status. A batch marked complete stays so unless the orders make it COMPLETED."""
    is_closed = current is BatchStatus.MARKEDCOMPLETE and aggregated in UNFINISHED_BATCH
    return current if is_closed else aggregated


def announcements(before: BatchStatus, after: BatchStatus) -> tuple[EventType, ...]:
    """The events of a correction: always an update, and a completion if the correction ends the batch."""
    ends = after in FINAL_BATCH and before not in FINAL_BATCH
    return (EventType.ORDER_UPDATED, EventType.ORDER_COMPLETED) if ends else (EventType.ORDER_UPDATED,)


def as_kept(state: OrderState) -> dict[str, Any]:
    """The state for a JSON column, without rounding."""
    price = state.average_price
    kept = {name: getattr(state, name) for name in _KEPT_FIELDS if name != "slices" or state.slices}
    return kept | {
        "status": state.status.value,
        "average_price": None if price is None else str(average(price)),
    }


def from_kept(kept: dict[str, Any]) -> OrderState:
    """Older rows have another key, `silent_since`, which is always None, and no `slices`."""
    price = kept["average_price"]
    exact = {"status": OrderStatus(kept["status"]), "average_price": None if price is None else Decimal(price)}
    return OrderState(**{name: kept[name] for name in _KEPT_FIELDS if name in kept} | exact)


def _problems(state: OrderState, outcome: CorrectedOutcome) -> Sequence[str]:
    filled, price = outcome.filled_quantity, outcome.average_price
    wanted = {
        OrderStatus.COMPLETE: filled == state.quantity,
        OrderStatus.PARTIAL: 0 < filled < state.quantity,
        OrderStatus.REJECTED: filled == 0,
        OrderStatus.CANCELLED: filled == 0,
    }
    if outcome.status not in wanted:
        return [f"status: must be one of {', '.join(OUTCOMES)}."]
    problems = []
    if not wanted[outcome.status]:
        problems.append(
            f"filled: an order of {state.quantity} shares that is {outcome.status} cannot have {filled} filled."
        )
    if (filled > 0) != (price is not None and price > 0):
        problems.append("price: give the average price if shares were filled, and none otherwise.")
    if filled and not (outcome.exchange_order_id or state.exchange_order_id):
        problems.append("exchange order id: required if shares were filled; the tradebook has it.")
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
