"""Place and follow: read, ask the broker with no transaction open, write what it said behind the fence."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import QuerySet
from django.db.transaction import atomic, on_commit

from brokers.port import Ack, LinkDown, NewOrder, OrderType, Report, Side, Validity, Variety
from brokers.registry import adapter_for
from gateway import clock, metrics, work
from gateway.jobs import Job, ring
from gateway.models import Gateway
from transactions import payloads
from transactions.hearing import Facts, furthest, hear
from transactions.models import Batch, Order, Transaction
from transactions.patience import next_look, next_look_at_the_lost
from transactions.services.claiming import login_of
from transactions.services.outcome import tell_investment
from transactions.services.waking import LOOKED_AFTER
from transactions.states import (
    FINAL_BATCH,
    OPEN,
    OPEN_BATCH,
    BatchStatus,
    OrderStatus,
    TransactionStatus,
    batch_status,
    move,
)
from webhooks.events import EventType
from webhooks.services.recording import record_event

# Longer than any broker call: a lease that lapsed means a worker that died.
LEASE: Final = timedelta(seconds=60)
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


def place_batch(*, row: int, attempt: int) -> None:
    """Running twice places once: the bell is worth one claim, and the broker knows each order by its ref."""
    queued = Batch.objects.filter(status=BatchStatus.QUEUED)
    if not work.claim(queued, row=row, attempt=attempt, lease=LEASE):
        return
    batch, orders = _read(row)
    now = clock.now(batch.gateway)
    acks = _place(batch, orders, now)
    for order in orders:
        _acknowledge(order, acks.get(order.ref), now)
    batch.placed_at = now
    with atomic(durable=True):
        if _write(batch, orders, changed=orders, fields=PLACED, event=EventType.ORDER_PLACED, now=now):
            _count(ended=[order.status for order in orders if order.status not in OPEN])


def sync_batch(*, row: int, attempt: int) -> None:
    """Asks the broker about the orders that are open or lost, and writes what is new."""
    followed = Batch.objects.filter(status__in=LOOKED_AFTER)
    if not work.claim(followed, row=row, attempt=attempt, lease=LEASE):
        return
    batch, orders = _read(row)
    now = clock.now(batch.gateway)
    words = _ask(batch, orders, now)
    take_reports(batch=batch, orders=orders, words=words, now=now)


def take_reports(*, batch: Batch, orders: Sequence[Order], words: Mapping[str, Report], now: datetime) -> None:
    """Facts, fold, transaction and event in one write; nothing, when another has the batch by now."""
    patience = patience_of(batch.gateway)
    before = {order.pk: _facts(order) for order in _waited_for(orders)}
    after = {
        order.pk: hear(before[order.pk], words.get(order.ref), now=now, patience=patience)
        for order in _waited_for(orders)
    }
    changed = [order for order in orders if order.pk in after and after[order.pk] != before[order.pk]]
    is_news = any(_visible(after[order.pk]) != _visible(before[order.pk]) for order in changed)
    for order in changed:
        _take(order, after[order.pk])
    with atomic(durable=True):
        event = EventType.ORDER_UPDATED if is_news else None
        if _write(batch, orders, changed=changed, fields=HEARD, event=event, now=now):
            _count(
                ended=[order.status for order in changed if order.status != before[order.pk].status],
                filled=[order.side for order in changed if order.filled_quantity > before[order.pk].filled_quantity],
            )


def patience_of(gateway: Gateway) -> timedelta:
    """How long silence about an order is borne before its fate is called unknown."""
    seconds = settings.PATIENCE_TEST_SECONDS if gateway.is_test else settings.PATIENCE_LIVE_SECONDS
    return timedelta(seconds=seconds)


def _read(row: int) -> tuple[Batch, list[Order]]:
    """The batch with all that surrounds it and its orders, in one query."""
    related = Order.objects.select_related(
        "batch__gateway", "batch__transaction", "batch__account", "batch__version__smallcase"
    )
    orders = list(related.filter(batch=row).order_by("position"))
    batch = orders[0].batch
    batch.transaction.account, batch.transaction.gateway = batch.account, batch.gateway
    return batch, orders


def _place(batch: Batch, orders: Sequence[Order], now: datetime) -> Mapping[str, Ack]:
    """What was answered for; after a broken link nothing is known, and the order book will tell."""
    basket = [_new_order(order, batch) for order in orders]
    login = login_of(batch.transaction, batch.account)
    try:
        return {ack.ref: ack for ack in adapter_for(login.broker).place(login, basket, now=now)}
    except LinkDown as error:
        log.warning("Placing batch %s: %s", batch, error)
        return {}


def _new_order(order: Order, batch: Batch) -> NewOrder:
    return NewOrder(
        ref=order.ref,
        ticker=order.ticker,
        side=Side(order.side),
        quantity=order.quantity,
        order_type=OrderType(order.order_type),
        variety=Variety(batch.variety),
        validity=Validity(order.validity),
        price=order.price,
        trigger_price=order.trigger_price,
    )


def _acknowledge(order: Order, ack: Ack | None, now: datetime) -> None:
    """Unanswered, an order counts as placed and silent: it was sent, and may be live."""
    taken = ack is None or ack.taken
    order.status = move(OrderStatus(order.status), OrderStatus.PLACED if taken else OrderStatus.UNPLACED).value
    order.ordered_at = now if taken else None
    order.silent_since = now if ack is None else None
    if ack is not None:
        order.error_code, order.status_message = ack.error_code, ack.message


def _ask(batch: Batch, orders: Sequence[Order], now: datetime) -> Mapping[str, Report]:
    login = login_of(batch.transaction, batch.account)
    broker = adapter_for(login.broker)
    waited_for = _waited_for(orders)
    unwanted = [order.ref for order in waited_for if order.cancelled_by_id]
    try:
        if unwanted:
            broker.cancel(login, unwanted, now=now)
        book = broker.order_book(login, [order.ref for order in waited_for], now=now)
    except LinkDown as error:
        log.warning("Asking about batch %s: %s", batch, error)
        return {}
    return furthest(book)


def _waited_for(orders: Sequence[Order]) -> list[Order]:
    return [order for order in orders if order.status in {OrderStatus.PLACED, OrderStatus.ERROR}]


def _take(order: Order, facts: Facts) -> None:
    for name in HEARD:
        setattr(order, name, getattr(facts, name))


def _visible(facts: Facts) -> Facts:
    """What is news: neither the gateway's own count of a silence, nor the exchange's number for the order."""
    return replace(facts, silent_since=None, exchange_order_id=None)


def _facts(order: Order) -> Facts:
    return Facts(
        status=OrderStatus(order.status),
        quantity=order.quantity,
        cancel_wished=order.cancelled_by_id is not None,
        **{name: getattr(order, name) for name in HEARD if name != "status"},
    )


def _write(
    batch: Batch,
    orders: Sequence[Order],
    *,
    changed: Sequence[Order],
    fields: Sequence[str],
    event: EventType | None,
    now: datetime,
) -> bool:
    """Fold, orders, transactions and event, or nothing: the UPDATE that checks the fence locks the batch's row."""
    status = batch_status([(OrderStatus(order.status), order.filled_quantity) for order in orders])
    if not _write_batch(batch, status, now, has_event=event is not None):
        log.info("Batch %s was taken over; this worker's answer is dropped.", batch)
        return False
    if changed:
        Order.objects.bulk_update(changed, fields)
    if batch.transaction.status == TransactionStatus.PROCESSING and status not in OPEN_BATCH:
        _complete(Transaction.objects.filter(pk=batch.transaction_id), now)
    _complete_cancellations(changed, now)
    if event:
        _record(batch, orders, EventType.ORDER_COMPLETED if status in FINAL_BATCH else event, now)
    if batch.iscid and changed:
        tell_investment(batch=batch, orders=orders, now=now)
    if fields is PLACED and batch.due_at:
        ring(Job.SYNC_BATCH, row=batch.pk, attempt=batch.attempts)
    return True


def _count(*, ended: Sequence[str], filled: Sequence[str] = ()) -> None:
    """Of statuses and sides; a write that is rolled back is not counted."""
    on_commit(lambda: metrics.orders_settled(statuses=Counter(ended), fills=Counter(filled)), robust=True)


def _write_batch(batch: Batch, status: BatchStatus, now: datetime, *, has_event: bool) -> bool:
    just_placed = batch.status == BatchStatus.QUEUED
    batch.status = status.value
    batch.sequence += has_event
    batch.due_at = now if just_placed and status in OPEN_BATCH else _next_due(batch, status, now)
    if status in FINAL_BATCH and batch.completed_at is None:
        batch.completed_at = now
    wall = clock.wall()
    return bool(
        work.mine(Batch.objects.all(), batch).update(
            status=batch.status,
            sequence=batch.sequence,
            due_at=batch.due_at,
            leased_until=work.first_offer(wall) if just_placed else wall,
            placed_at=batch.placed_at,
            completed_at=batch.completed_at,
        )
    )


def _next_due(batch: Batch, status: BatchStatus, now: datetime) -> datetime | None:
    """When the broker is next asked; None once there is nothing to ask."""
    elapsed = now - (batch.placed_at or now)
    if status in OPEN_BATCH:
        return now + next_look(elapsed)
    wait = next_look_at_the_lost(elapsed) if status is BatchStatus.ERROR else None
    return now + wait if wait else None


def _complete(transactions: QuerySet[Transaction], now: datetime) -> None:
    confirmed = transactions.filter(status=TransactionStatus.PROCESSING)
    confirmed.update(status=TransactionStatus.COMPLETED, completed_at=now, updated_at=now)


def _complete_cancellations(changed: Sequence[Order], now: datetime) -> None:
    """A CANCEL_ORDER is done when none of the orders it was about is open, whatever became of them."""
    asked = {o.cancelled_by_id for o in changed if o.cancelled_by_id and o.status != OrderStatus.PLACED}
    if asked:
        waiting = Order.objects.filter(cancelled_by__in=asked, status=OrderStatus.PLACED)
        done = Transaction.objects.filter(pk__in=asked).exclude(pk__in=waiting.values("cancelled_by"))
        _complete(done, now)


def _record(batch: Batch, orders: Sequence[Order], event: EventType, now: datetime) -> None:
    record_event(
        gateway=batch.gateway,
        kind=event,
        subject=batch.batch_id,
        sequence=batch.sequence,
        payload=payloads.order_event(batch, orders, batch.transaction),
        now=now,
    )
