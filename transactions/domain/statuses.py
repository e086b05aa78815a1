"""The state tables of orders and transactions, and the aggregate status of a batch. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final


class OrderStatus(StrEnum):
    """Partners never see QUEUED, and see UNPLACED as ERROR in the batch's `unplaced`."""

    QUEUED = "QUEUED"
    UNPLACED = "UNPLACED"
    PLACED = "PLACED"
    ERROR = "ERROR"
    COMPLETE = "COMPLETE"
    PARTIAL = "PARTIAL"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    CANCELLED_AMO = "CANCELLED AMO"


class BatchStatus(StrEnum):
    """Partners never see QUEUED."""

    QUEUED = "QUEUED"
    ERROR = "ERROR"
    PLACED = "PLACED"
    PARTIALLYPLACED = "PARTIALLYPLACED"
    COMPLETED = "COMPLETED"
    PARTIALLYFILLED = "PARTIALLYFILLED"
    UNFILLED = "UNFILLED"
    UNPLACED = "UNPLACED"
    CANCELLED = "CANCELLED"
    MARKEDCOMPLETE = "MARKEDCOMPLETE"


class TransactionStatus(StrEnum):
    INITIALIZED = "INITIALIZED"
    USED = "USED"
    PROCESSING = "PROCESSING"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    ERRORED = "ERRORED"
    COMPLETED = "COMPLETED"


class IllegalMove(Exception):
    """The state table does not allow this change."""


_EXECUTED: Final = frozenset({OrderStatus.COMPLETE, OrderStatus.PARTIAL, OrderStatus.REJECTED, OrderStatus.CANCELLED})
_FINAL: Final = _EXECUTED | {OrderStatus.CANCELLED_AMO}
ORDER_MOVES: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.QUEUED: frozenset({OrderStatus.PLACED, OrderStatus.UNPLACED, OrderStatus.ERROR}),
    OrderStatus.PLACED: _FINAL | {OrderStatus.ERROR},
    # By a correction or a late report of the broker; a cancellation by the user is too late.
    OrderStatus.ERROR: _EXECUTED,
    OrderStatus.UNPLACED: frozenset(),
    **{status: frozenset() for status in _FINAL},
}
OPEN: Final = frozenset({OrderStatus.QUEUED, OrderStatus.PLACED})
# Ended with shares that are ordered again only if the user asks for them.
FIXABLE: Final = frozenset({OrderStatus.PARTIAL, OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.UNPLACED})
OPEN_BATCH: Final = frozenset({BatchStatus.PLACED, BatchStatus.PARTIALLYPLACED})
FINAL_BATCH: Final = frozenset(
    {
        BatchStatus.COMPLETED,
        BatchStatus.PARTIALLYFILLED,
        BatchStatus.UNFILLED,
        BatchStatus.UNPLACED,
        BatchStatus.CANCELLED,
        BatchStatus.MARKEDCOMPLETE,
    }
)
UNFINISHED_BATCH: Final = frozenset(
    {BatchStatus.PARTIALLYFILLED, BatchStatus.UNFILLED, BatchStatus.UNPLACED, BatchStatus.CANCELLED}
)


def move(current: OrderStatus, target: OrderStatus) -> OrderStatus:
    if target not in ORDER_MOVES[current]:
        raise IllegalMove(f"{current} cannot become {target}.")
    return target


def batch_status(orders: Sequence[tuple[OrderStatus, int]]) -> BatchStatus:
    """The aggregate of (status, filled shares) of all orders (contract §4)."""
    statuses = [status for status, _ in orders]
    reached = [status for status in statuses if status is not OrderStatus.UNPLACED]
    if OrderStatus.QUEUED in statuses:
        return BatchStatus.PARTIALLYPLACED if set(reached) > {OrderStatus.QUEUED} else BatchStatus.QUEUED
    if OrderStatus.PLACED in statuses:
        return BatchStatus.PLACED if len(reached) == len(statuses) else BatchStatus.PARTIALLYPLACED
    if OrderStatus.ERROR in statuses:
        return BatchStatus.ERROR
    if not reached:
        return BatchStatus.UNPLACED
    if any(filled for _, filled in orders):
        complete = all(status is OrderStatus.COMPLETE for status in statuses)
        return BatchStatus.COMPLETED if complete else BatchStatus.PARTIALLYFILLED
    cancelled = all(status is OrderStatus.CANCELLED_AMO for status in reached)
    return BatchStatus.CANCELLED if cancelled else BatchStatus.UNFILLED
