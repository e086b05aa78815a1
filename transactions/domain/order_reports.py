"""Applies brokers' reports, and missing reports, to an order. Pure. A contradictory report is ignored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from brokers.ports.broker import BrokerStatus, Report
from brokers.ports.order_limits import Slice
from transactions.domain.statuses import IllegalMove, OrderStatus, move

UNKNOWN_OUTCOME_CODE: Final = "adapterError"
UNKNOWN_OUTCOME_MESSAGE: Final = (
    "The broker has not reported the outcome of this order. Support will correct it from the tradebook."
)
_PLAIN: Final = {
    BrokerStatus.OPEN: OrderStatus.PLACED,
    BrokerStatus.COMPLETE: OrderStatus.COMPLETE,
    BrokerStatus.REJECTED: OrderStatus.REJECTED,
}


@dataclass(frozen=True, slots=True)
class OrderState:
    """The gateway's knowledge of an order. `cancel_wished`: the user asked to cancel it."""

    status: OrderStatus
    quantity: int
    filled_quantity: int = 0
    average_price: Decimal | None = None
    exchange_order_id: str | None = None
    slices: Sequence[Mapping[str, Any]] | None = None
    error_code: str | None = None
    status_message: str | None = None
    unreported_since: datetime | None = None
    cancel_wished: bool = False


def apply_report(state: OrderState, report: Report | None, *, now: datetime, unreported_limit: timedelta) -> OrderState:
    """The state after `report`. Without a credible report for `unreported_limit`, an open order becomes ERROR."""
    if report is None or not is_credible(state, report):
        return _unreported(state, now, unreported_limit)
    try:
        status = state.status if _stays(state, report) else move(state.status, _meant(state, report))
    except IllegalMove:
        return _unreported(state, now, unreported_limit)
    return replace(
        state,
        status=status,
        filled_quantity=report.filled_quantity,
        average_price=report.average_price,
        exchange_order_id=report.exchange_order_id or state.exchange_order_id,
        slices=slices_as_kept(report.slices) or state.slices,
        error_code=state.error_code if status is OrderStatus.ERROR else report.error_code,
        status_message=state.status_message if status is OrderStatus.ERROR else report.message,
        unreported_since=None,
    )


def latest_report(reports: Iterable[Report]) -> dict[str, Report]:
    """The latest report of each order, by ref. A broker may repeat older reports: a final status counts for more than
    an open one, more shares for more than fewer, and of two equal reports the first."""
    latest: dict[str, Report] = {}
    for report in reports:
        if report.ref not in latest or _progress(report) > _progress(latest[report.ref]):
            latest[report.ref] = report
    return latest


def _progress(report: Report) -> tuple[bool, int]:
    return report.status is not BrokerStatus.OPEN, report.filled_quantity


def is_credible(state: OrderState, report: Report) -> bool:
    """Whether fills do not shrink or exceed the order, have a price, and agree with status and slices."""
    whole = report.filled_quantity == state.quantity
    return (
        state.filled_quantity <= report.filled_quantity <= state.quantity
        and (report.filled_quantity > 0) == (report.average_price is not None and report.average_price > 0)
        and (report.status is BrokerStatus.COMPLETE) == whole
        and not (report.status is BrokerStatus.REJECTED and report.filled_quantity)
        and _add_up(report.slices, state.quantity, report.filled_quantity)
    )


def slices_as_kept(slices: Sequence[Slice]) -> list[dict[str, Any]] | None:
    """For a JSON column; None for an order that is one at the exchange."""
    return [
        {
            "exchange_order_id": one.exchange_order_id,
            "quantity": one.quantity,
            "filled_quantity": one.filled_quantity,
            "average_price": None if one.average_price is None else str(one.average_price),
        }
        for one in slices
    ] or None


def _add_up(slices: Sequence[Slice], quantity: int, filled: int) -> bool:
    """Whether the slices, if there are some, have the shares of the order."""
    sums = sum(one.quantity for one in slices), sum(one.filled_quantity for one in slices)
    return not slices or sums == (quantity, filled)


def _stays(state: OrderState, report: Report) -> bool:
    """Whether the status stays: an OPEN report changes no status, not even ERROR."""
    return report.status is BrokerStatus.OPEN and state.status in {OrderStatus.PLACED, OrderStatus.ERROR}


def _meant(state: OrderState, report: Report) -> OrderStatus:
    if report.status is not BrokerStatus.CANCELLED:
        return _PLAIN[report.status]
    if report.filled_quantity:
        return OrderStatus.PARTIAL
    by_user = state.cancel_wished and state.status is OrderStatus.PLACED
    return OrderStatus.CANCELLED_AMO if by_user else OrderStatus.CANCELLED


def _unreported(state: OrderState, now: datetime, unreported_limit: timedelta) -> OrderState:
    if state.status is not OrderStatus.PLACED:
        return state
    since = state.unreported_since or now
    if now - since < unreported_limit:
        return replace(state, unreported_since=since)
    return replace(
        state,
        status=move(state.status, OrderStatus.ERROR),
        error_code=UNKNOWN_OUTCOME_CODE,
        status_message=UNKNOWN_OUTCOME_MESSAGE,
        unreported_since=since,
    )
