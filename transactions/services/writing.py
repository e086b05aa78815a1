"""The one door through which facts about orders come: what a broker said, what its silence means, what support settled.

Fold, orders, transaction, events and investment are one write, behind the batch's fence.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.transaction import on_commit

from gateway import clock, metrics, work
from gateway.jobs import Job, ring
from gateway.updating import update_each, update_where
from transactions import payloads
from transactions.hearing import Facts
from transactions.models import Batch, Order, Transaction
from transactions.patience import next_look, next_look_at_the_lost
from transactions.services.outcome import tell_investment
from transactions.settling import announcements, standing
from transactions.states import FINAL_BATCH, OPEN_BATCH, BatchStatus, OrderStatus, TransactionStatus, batch_status
from webhooks.events import EventType
from webhooks.services.recording import record_event

log = logging.getLogger(__name__)
HEARD: Final = [
    "status",
    "filled_quantity",
    "average_price",
    "exchange_order_id",
    "error_code",
    "status_message",
    "silent_since",
]
PLACED: Final = ["status", "error_code", "status_message", "ordered_at", "silent_since"]
HEARD_AND_SAID: Final = [*HEARD, "words"]
SETTLED: Final = [*HEARD, "settled_by"]


def facts_of(order: Order) -> Facts:
    return Facts(
        status=OrderStatus(order.status),
        quantity=order.quantity,
        cancel_wished=order.cancelled_by_id is not None,
        **{name: getattr(order, name) for name in HEARD if name != "status"},
    )


def take(order: Order, facts: Facts) -> None:
    for name in HEARD:
        setattr(order, name, getattr(facts, name))


def fold(orders: Sequence[Order]) -> BatchStatus:
    return batch_status([(OrderStatus(order.status), order.filled_quantity) for order in orders])


def write(
    batch: Batch,
    orders: Sequence[Order],
    *,
    changed: Sequence[Order],
    fields: Sequence[str],
    event: EventType | None,
    now: datetime,
) -> bool:
    """All of it or nothing: the UPDATE that checks the fence locks the batch's row."""
    status = standing(BatchStatus(batch.status), fold(orders))
    told = [EventType.ORDER_COMPLETED if status in FINAL_BATCH else event] if event else []
    if not _write_batch(batch, orders, status, told, now):
        log.info("Batch %s was taken over; this worker's answer is dropped.", batch)
        return False
    if changed:
        update_each(changed, fields)
    if batch.transaction.status == TransactionStatus.PROCESSING and status not in OPEN_BATCH:
        confirmed = {"pk": batch.transaction_id, "status": TransactionStatus.PROCESSING}
        update_where(Transaction.objects.all, confirmed, **_completed(now))
    _complete_cancellations(changed, now)
    _record(batch, orders, told, now)
    if batch.iscid and told:
        tell_investment(batch=batch, orders=orders, now=now)
    if fields is PLACED and batch.due_at:
        ring(Job.SYNC_BATCH, row=batch.pk, attempt=batch.attempts)
    return True


def write_settled(
    batch: Batch, orders: Sequence[Order], *, changed: Sequence[Order], status: BatchStatus, now: datetime
) -> bool:
    """As `write`, of what support settled or undid: `status` is what the batch is thereby; fills may go as well."""
    told = announcements(BatchStatus(batch.status), status)
    if not _write_batch(batch, orders, status, told, now):
        return False
    update_each(changed, SETTLED)
    _record(batch, orders, told, now)
    if batch.iscid:
        withdrawn = [order.ref for order in changed if not order.filled_quantity]
        tell_investment(batch=batch, orders=orders, withdrawn=withdrawn, now=now)
    return True


def count(*, ended: Sequence[str], filled: Sequence[str] = ()) -> None:
    """Of statuses and sides; a write that is rolled back is not counted."""
    on_commit(lambda: metrics.orders_settled(statuses=Counter(ended), fills=Counter(filled)), robust=True)


def completed_at(batch: Batch, status: BatchStatus, now: datetime) -> datetime | None:
    """Once final it stays, unless a reconciliation makes the batch unfinished again."""
    return (batch.completed_at or now) if status in FINAL_BATCH else None


def _write_batch(
    batch: Batch, orders: Sequence[Order], status: BatchStatus, told: Sequence[EventType], now: datetime
) -> bool:
    just_placed = batch.status == BatchStatus.QUEUED
    batch.completed_at = completed_at(batch, status, now)
    batch.status = status.value
    batch.sequence += len(told)
    batch.due_at = now if just_placed and status in OPEN_BATCH else _next_due(batch, orders, status, now)
    wall = clock.wall()
    written = update_where(
        Batch.objects.all,
        work.fence(batch),
        status=batch.status,
        sequence=batch.sequence,
        due_at=batch.due_at,
        leased_until=work.first_offer(wall) if just_placed else wall,
        placed_at=batch.placed_at,
        completed_at=batch.completed_at,
    )
    return written == 1


def _next_due(batch: Batch, orders: Sequence[Order], status: BatchStatus, now: datetime) -> datetime | None:
    """When the broker is next asked; None once there is nothing to ask."""
    elapsed = now - (batch.placed_at or now)
    if status in OPEN_BATCH:
        return now + next_look(elapsed)
    is_in_doubt = status is BatchStatus.ERROR or any(is_unconfirmed(order) for order in orders)
    wait = next_look_at_the_lost(elapsed) if is_in_doubt else None
    return now + wait if wait else None


def is_unconfirmed(order: Order) -> bool:
    """Settled by support, and the broker has not said the same: its late word is still waited for."""
    return order.settled_by is not None and not order.settled_by.word_agrees


def _completed(now: datetime) -> dict[str, object]:
    return {"status": TransactionStatus.COMPLETED, "completed_at": now, "updated_at": now}


def _complete_cancellations(changed: Sequence[Order], now: datetime) -> None:
    """A CANCEL_ORDER is done when none of the orders it was about is open, whatever became of them."""
    asked = {o.cancelled_by_id for o in changed if o.cancelled_by_id and o.status != OrderStatus.PLACED}
    if asked:
        waiting = Order.objects.filter(cancelled_by__in=asked, status=OrderStatus.PLACED)
        done = Transaction.objects.filter(pk__in=asked, status=TransactionStatus.PROCESSING)
        done.exclude(pk__in=waiting.values("cancelled_by")).update(**_completed(now))


def _record(batch: Batch, orders: Sequence[Order], told: Sequence[EventType], now: datetime) -> None:
    first = batch.sequence - len(told) + 1
    for sequence, kind in enumerate(told, start=first):
        record_event(
            gateway=batch.gateway,
            kind=kind,
            subject=batch.batch_id,
            sequence=sequence,
            payload=payloads.order_event(batch, orders, batch.transaction),
            now=now,
        )
