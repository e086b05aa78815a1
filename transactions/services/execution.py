"""Place and follow: read, ask the broker with no transaction open, write what it said behind the fence."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import QuerySet
from django.db.transaction import atomic

from brokers.port import Ack, LinkDown, NewOrder, OrderType, Report, Side, Validity, Variety
from brokers.registry import adapter_for
from gateway import clock, work
from gateway.compiled import compiled, first
from gateway.models import Gateway
from transactions.hearing import Facts, furthest, hear
from transactions.models import Batch, Order, Settlement
from transactions.services.claiming import login_of
from transactions.services.waking import followed, queued
from transactions.services.writing import HEARD_AND_SAID, PLACED, count, facts_of, is_unconfirmed, take, write
from transactions.settling import agrees
from transactions.states import OPEN, OrderStatus, move
from transactions.words import kept
from webhooks.events import EventType

# Longer than any broker call: a lease that lapsed means a worker that died.
LEASE: Final = timedelta(seconds=60)
log = logging.getLogger(__name__)


def place_batch(*, row: int, attempt: int) -> None:
    """Running twice places once: the bell is worth one claim, and the broker knows each order by its ref."""
    if not work.claim(queued, row=row, attempt=attempt, lease=LEASE):
        return
    batch, orders = read(row)
    now = clock.now(batch.gateway)
    acks = _place(batch, orders, now)
    for order in orders:
        _acknowledge(order, acks.get(order.ref), now)
    batch.placed_at = now
    with atomic(durable=True):
        if write(batch, orders, changed=orders, fields=PLACED, event=EventType.ORDER_PLACED, now=now):
            count(ended=[order.status for order in orders if order.status not in OPEN])


def sync_batch(*, row: int, attempt: int) -> None:
    """Asks the broker about the orders that are open or lost, and writes what is new."""
    if not work.claim(followed, row=row, attempt=attempt, lease=LEASE):
        return
    batch, orders = read(row)
    now = clock.now(batch.gateway)
    words = _ask(batch, orders, now)
    take_reports(batch=batch, orders=orders, words=words, now=now)


def take_reports(*, batch: Batch, orders: Sequence[Order], words: Mapping[str, Report], now: datetime) -> None:
    """Facts, fold, transaction and event in one write; nothing, when another has the batch by now.

    Every word is kept. About an order that support has settled it is laid beside the settlement, and changes nothing.
    """
    patience = patience_of(batch.gateway)
    waited_for = [order for order in orders if _is_lost_or_open(order)]
    before = {order.pk: facts_of(order) for order in waited_for}
    after = {order.pk: hear(before[order.pk], words.get(order.ref), now=now, patience=patience) for order in waited_for}
    changed = [order for order in waited_for if after[order.pk] != before[order.pk]]
    is_news = any(_visible(after[order.pk]) != _visible(before[order.pk]) for order in changed)
    for order in changed:
        take(order, after[order.pk])
    spoken_of, confronted = _keep_words(orders, words, now), _confront(orders, words, now)
    written = list({order.pk: order for order in (*changed, *spoken_of)}.values())
    with atomic(durable=True):
        event = EventType.ORDER_UPDATED if is_news else None
        if write(batch, orders, changed=written, fields=HEARD_AND_SAID, event=event, now=now):
            Settlement.objects.bulk_update(confronted, ["word_agrees", "word_at"])
            count(
                ended=[order.status for order in changed if order.status != before[order.pk].status],
                filled=[order.side for order in changed if order.filled_quantity > before[order.pk].filled_quantity],
            )


def _keep_words(orders: Sequence[Order], words: Mapping[str, Report], now: datetime) -> list[Order]:
    """The orders about which something was said that was not said last."""
    spoken_of = []
    for order in orders:
        if order.ref in words:
            known, order.words = order.words, kept(order.words, words[order.ref], now=now)
            if order.words != known:
                spoken_of.append(order)
    return spoken_of


def _confront(orders: Sequence[Order], words: Mapping[str, Report], now: datetime) -> list[Settlement]:
    """Settlements in force, each with whether the broker now says the same; those where that is news."""
    confronted = []
    for order in orders:
        if order.settled_by is not None and order.ref in words:
            verdict = agrees(facts_of(order), words[order.ref])
            if verdict is not None and verdict != order.settled_by.word_agrees:
                order.settled_by.word_agrees, order.settled_by.word_at = verdict, now
                confronted.append(order.settled_by)
    return confronted


def patience_of(gateway: Gateway) -> timedelta:
    """How long silence about an order is borne before its fate is called unknown."""
    seconds = settings.PATIENCE_TEST_SECONDS if gateway.is_test else settings.PATIENCE_LIVE_SECONDS
    return timedelta(seconds=seconds)


def read(row: int) -> tuple[Batch, list[Order]]:
    """The batch with all that surrounds it, then its orders. Whoever writes them in between moves the batch's fence."""
    batch = first(_batches(row=row))
    if batch is None:
        raise Batch.DoesNotExist(f"There is no batch {row}.")
    batch.transaction.account, batch.transaction.gateway = batch.account, batch.gateway
    orders = _orders(batch=row)
    for order in orders:
        order.batch = batch
    return batch, orders


@compiled
def _batches(*, row: int) -> QuerySet[Batch]:
    return Batch.objects.select_related("gateway", "transaction", "account", "version__smallcase").filter(pk=row)


@compiled
def _orders(*, batch: int) -> QuerySet[Order]:
    return Order.objects.select_related("settled_by").filter(batch=batch).order_by("position")


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
    return [order for order in orders if _is_lost_or_open(order) or is_unconfirmed(order)]


def _is_lost_or_open(order: Order) -> bool:
    return order.status in {OrderStatus.PLACED, OrderStatus.ERROR}


def _visible(facts: Facts) -> Facts:
    """What is news: neither the gateway's own count of a silence, nor the exchange's number for the order."""
    return replace(facts, silent_since=None, exchange_order_id=None)
