"""The only writer of order states: from brokers' reports, missing reports and support's corrections.

Batch, orders, transaction, events and investment are written together, if the batch's fencing token is still valid.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db.transaction import on_commit

from brokers.ports.registry import profile_of
from gateway.database.rows import update_rows
from gateway.partners import clock
from gateway.queue import leases
from gateway.telemetry import metrics, request_id
from smallcases.models import Investment
from transactions import sql
from transactions.api import payloads
from transactions.domain.corrections import announcements, standing
from transactions.domain.order_reports import OrderState
from transactions.domain.poll_schedule import next_poll, next_poll_of_unknown
from transactions.domain.statuses import (
    FINAL_BATCH,
    OPEN_BATCH,
    BatchStatus,
    OrderStatus,
    TransactionStatus,
    batch_status,
)
from transactions.execution.update_investment import update_investment
from transactions.models import Batch, Order, OrderCorrection, Transaction
from transactions.queries.order_charges import read_charges
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events

log = logging.getLogger(__name__)
REPORTED_FIELDS: Final = [
    "status",
    "filled_quantity",
    "average_price",
    "exchange_order_id",
    "slices",
    "error_code",
    "status_message",
    "unreported_since",
]
BATCH_FIELDS: Final = [
    *("status", "sequence", "due_at", "leased_until", "placed_at", "completed_at"),
    *("unreachable_since", "session_ended_at"),
]
COMPLETION: Final = ["status", "completed_at", "updated_at"]
SENT_FIELDS: Final = ["ordered_at", "sent_at", "broker_order_id", "traded_on"]
ORDER_FIELDS: Final = [*REPORTED_FIELDS, *SENT_FIELDS, "report_log"]
CORRECTED_FIELDS: Final = [*REPORTED_FIELDS, "active_correction"]


def state_of(order: Order) -> OrderState:
    return OrderState(
        status=OrderStatus(order.status),
        quantity=order.quantity,
        cancel_wished=order.cancelled_by_id is not None,
        **{name: getattr(order, name) for name in REPORTED_FIELDS if name != "status"},
    )


def apply_state(order: Order, state: OrderState) -> None:
    for name in REPORTED_FIELDS:
        setattr(order, name, getattr(state, name))


def aggregate_status(orders: Sequence[Order]) -> BatchStatus:
    return batch_status([(OrderStatus(order.status), order.filled_quantity) for order in orders])


@dataclass(frozen=True, slots=True, eq=False)
class BatchUpdate:
    """An update of one batch: the `changed` orders, and whether the partner hears of it.

    `now` is the gateway's time. `ended`: new final statuses, `filled`: the sides of new fills. `wait` until the batch
    is due again, if the broker could not be asked.
    """

    batch: Batch
    orders: Sequence[Order]
    changed: Sequence[Order]
    is_news: bool
    now: datetime
    ended: Sequence[str] = ()
    filled: Sequence[str] = ()
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class WorkResult:
    """An update, and corrections that the broker now confirms or contradicts."""

    update: BatchUpdate
    checked: Sequence[OrderCorrection] = ()


def record_batch_updates(updates: Sequence[BatchUpdate]) -> list[BatchUpdate]:
    """Writes the updates whose fencing token is valid, all or nothing, and returns them; drops the others.

    Locks batches in pk order, then investments in pk order, to avoid deadlocks.
    """
    mine = _still_ours(updates)
    read_charges(order for one in mine for order in one.orders)
    drafts = [_aggregated(one) for one in mine]
    update_rows([one.batch for one in mine], BATCH_FIELDS)
    update_rows([order for one in mine for order in one.changed], ORDER_FIELDS)
    _complete([one for one in mine if one.batch.status not in OPEN_BATCH | {BatchStatus.QUEUED}])
    record_events(*(event for events in drafts for event in events))
    for one in mine:
        _complete_cancellations(one)
    _update_investments([one for one, events in zip(mine, drafts, strict=True) if one.batch.iscid and events])
    count(ended=[status for one in mine for status in one.ended], filled=[side for one in mine for side in one.filled])
    on_commit(partial(_log, mine, [bool(events) for events in drafts]))
    return mine


def _log(written: Sequence[BatchUpdate], has_event: Sequence[bool]) -> None:
    """Logs each batch with an event, under the id of the request that started the work."""
    for one in (one for one, is_event in zip(written, has_event, strict=True) if is_event):
        with request_id.bound(one.batch.request_id):
            log.info("Batch %s is %s.", one.batch, one.batch.status)


def record_correction(
    batch: Batch, orders: Sequence[Order], *, changed: Sequence[Order], status: BatchStatus, now: datetime
) -> bool:
    """As `record_batch_updates`, for a correction or its undoing. False if the fencing token is not valid any more."""
    event_types = announcements(BatchStatus(batch.status), status)
    _set_status(batch, orders, status, event_types, now)
    if not leases.mine(Batch.objects.all(), batch).update(**{name: getattr(batch, name) for name in BATCH_FIELDS}):
        return False
    update_rows(changed, CORRECTED_FIELDS)
    read_charges(orders)
    record_events(*_events(batch, orders, event_types, now))
    if batch.iscid:
        withdrawn = [order.ref for order in changed if not order.filled_quantity]
        update_investment(batch=batch, orders=orders, withdrawn=withdrawn, now=now)
    return True


def count(*, ended: Sequence[str], filled: Sequence[str] = ()) -> None:
    """Counts final statuses and sides of fills in the metrics, after the commit."""
    on_commit(lambda: metrics.orders_settled(statuses=Counter(ended), fills=Counter(filled)), robust=True)


def completed_at(batch: Batch, status: BatchStatus, now: datetime) -> datetime | None:
    """When the batch became final; kept until a correction reopens the batch."""
    return (batch.completed_at or now) if status in FINAL_BATCH else None


def _still_ours(updates: Sequence[BatchUpdate]) -> list[BatchUpdate]:
    held = sql.fencing_tokens([one.batch.pk for one in updates])
    for one in updates:
        if held.get(one.batch.pk) != one.batch.attempts:
            log.info("Batch %s was taken over; this worker's result is dropped.", one.batch)
    return [one for one in updates if held.get(one.batch.pk) == one.batch.attempts]


def _update_investments(updates: Sequence[BatchUpdate]) -> None:
    """Locks existing investments in pk order, like rebalance notifications do."""
    if updates:
        iscids = [one.batch.iscid for one in updates]
        list(Investment.objects.select_for_update().filter(iscid__in=iscids).order_by("pk").values_list("pk"))
    for one in updates:
        with request_id.bound(one.batch.request_id):
            update_investment(batch=one.batch, orders=one.orders, now=one.now)


def _aggregated(update: BatchUpdate) -> list[EventDraft]:
    """Sets the batch's aggregate status and returns the events for the partner."""
    batch = update.batch
    status = standing(BatchStatus(batch.status), aggregate_status(update.orders))
    is_first = batch.status == BatchStatus.QUEUED and status is not BatchStatus.QUEUED
    kinds = [_event_type(status, is_first=is_first)] if is_first or update.is_news else []
    if is_first:
        batch.placed_at = update.now
    _set_status(batch, update.orders, status, kinds, update.now, wait=update.wait)
    with request_id.bound(batch.request_id):
        return _events(batch, update.orders, kinds, update.now)


def _event_type(status: BatchStatus, *, is_first: bool) -> EventType:
    if status in FINAL_BATCH:
        return EventType.ORDER_COMPLETED
    return EventType.ORDER_PLACED if is_first else EventType.ORDER_UPDATED


def _set_status(
    batch: Batch,
    orders: Sequence[Order],
    status: BatchStatus,
    event_types: Sequence[EventType],
    now: datetime,
    *,
    wait: timedelta | None = None,
) -> None:
    if wait is None and batch.status == BatchStatus.QUEUED and status in OPEN_BATCH:
        wait = profile_of(batch.account.broker).latency
    if wait is None or status in FINAL_BATCH:
        batch.unreachable_since = None
    batch.completed_at = completed_at(batch, status, now)
    batch.status = status.value
    batch.sequence += len(event_types)
    batch.due_at = _next_due(batch, orders, status, now, wait)
    batch.leased_until = clock.wall()


def _next_due(
    batch: Batch, orders: Sequence[Order], status: BatchStatus, now: datetime, wait: timedelta | None
) -> datetime | None:
    """The time of the next poll; None if no order needs polling, or the batch waits for a login."""
    if status in FINAL_BATCH and not any(is_unconfirmed(order) for order in orders):
        batch.session_ended_at = None
        return None
    if batch.session_ended_at:
        return None
    if any(order.status == OrderStatus.QUEUED for order in orders):
        return now + (wait or timedelta(0))
    if wait is not None:
        return now + wait
    elapsed = now - (batch.placed_at or now)
    if status in OPEN_BATCH:
        return now + next_poll(elapsed)
    is_in_doubt = status is BatchStatus.ERROR or any(is_unconfirmed(order) for order in orders)
    wait = next_poll_of_unknown(elapsed) if is_in_doubt else None
    return now + wait if wait else None


def is_unconfirmed(order: Order) -> bool:
    """Whether the order was corrected and the broker has not confirmed it: a late report is still expected."""
    return order.active_correction is not None and not order.active_correction.broker_confirms


def _completed(now: datetime) -> dict[str, object]:
    return dict(zip(COMPLETION, (TransactionStatus.COMPLETED.value, now, now), strict=True))


def _complete(updates: Sequence[BatchUpdate]) -> None:
    """Completes transactions whose batches have ended. The locked batches keep other workers from doing the same."""
    done = [one for one in updates if one.batch.transaction.status == TransactionStatus.PROCESSING]
    for one in done:
        for name, value in _completed(one.now).items():
            setattr(one.batch.transaction, name, value)
    update_rows([one.batch.transaction for one in done], COMPLETION)


def _complete_cancellations(update: BatchUpdate) -> None:
    """A cancellation is COMPLETED when none of its orders is open, whatever their outcome."""
    asked = {o.cancelled_by_id for o in update.changed if o.cancelled_by_id and o.status != OrderStatus.PLACED}
    if asked:
        waiting = Order.objects.filter(cancelled_by__in=asked, status=OrderStatus.PLACED)
        done = Transaction.objects.filter(pk__in=asked, status=TransactionStatus.PROCESSING)
        done.exclude(pk__in=waiting.values("cancelled_by")).update(**_completed(update.now))


def _events(batch: Batch, orders: Sequence[Order], kinds: Sequence[EventType], now: datetime) -> list[EventDraft]:
    """The events of this update. The last event has the batch's sequence number."""
    first = batch.sequence - len(kinds) + 1
    return [
        EventDraft(
            gateway=batch.gateway,
            kind=kind,
            subject=batch.batch_id,
            sequence=sequence,
            payload=payloads.order_event(batch, orders, batch.transaction),
            now=now,
        )
        for sequence, kind in enumerate(kinds, start=first)
    ]
