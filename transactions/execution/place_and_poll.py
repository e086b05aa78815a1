"""Place and poll: read, call the broker with no transaction open, write the reports with the fencing token."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, TypeVar

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db.transaction import atomic

from brokers.ports.broker import (
    Ack,
    LiveSession,
    NewOrder,
    OrderType,
    Refused,
    Report,
    SentOrder,
    SessionEnded,
    Side,
    Unreachable,
    Validity,
    Variety,
)
from brokers.ports.registry import adapter_for
from gateway.models import Gateway
from gateway.partners import clock
from gateway.telemetry import request_id
from transactions import sql
from transactions.domain.corrections import broker_confirms
from transactions.domain.order_reports import OrderState, apply_report, latest_report
from transactions.domain.report_log import with_report
from transactions.domain.statuses import OPEN, OrderStatus, move
from transactions.execution.broker_sessions import session_of
from transactions.execution.record_updates import (
    PLACED_FIELDS,
    REPORTED_FIELDS_AND_LOG,
    BatchUpdate,
    apply_state,
    count,
    is_unconfirmed,
    record_batch_updates,
    state_of,
)
from transactions.models import Batch, Order, OrderCorrection
from transactions.queries.selectors import read_versions
from webhooks.events.event_types import EventType

CALLS_SECONDS: Final = 0.25  # of a set; longer would delay the results of its first batches
T = TypeVar("T")
log = logging.getLogger(__name__)


def place(rows: Sequence[int]) -> list[int]:
    """Places batches of one broker that the caller has leased; returns the keys of those attempted in time.

    Twice is safe: the fencing token lets one worker write, and the broker recognises each order by its ref.
    """
    attempted, updated = [], []
    for batch, orders in _in_time(read(rows)):
        attempted.append(batch.pk)
        if login := _login(batch):
            updated.append(_placed(batch, orders, login))
    with atomic(durable=True):
        written = record_batch_updates(updated, PLACED_FIELDS)
        count(ended=[order.status for one in written for order in one.orders if order.status not in OPEN])
    _log(written)
    return attempted


def poll(rows: Sequence[int]) -> list[int]:
    """As `place`: polls orders that are open or have an unknown outcome, and writes the changes."""
    attempted, results = [], []
    for batch, orders in _in_time(read(rows)):
        attempted.append(batch.pk)
        if login := _login(batch):
            now = clock.now(batch.gateway)
            results.append(poll_result_of(batch, orders, _ask(batch, orders, login, now), now))
    record_poll_results(results)
    return attempted


def _login(batch: Batch) -> LiveSession | None:
    """None without one, or if no key decrypts it. The batch is retried after its lease; the other batches continue."""
    try:
        return session_of(batch.account)
    except SessionEnded:
        return None
    except InvalidToken:
        log.error(
            "Batch %s waits: no key in ENCRYPTION_KEYS decrypts its login. Restore the key that encrypted it.", batch
        )
        return None


def _in_time(rows: Sequence[T]) -> Iterator[T]:
    """The first row, and further rows until CALLS_SECONDS are over."""
    until = monotonic() + CALLS_SECONDS
    for number, row in enumerate(rows):
        if number and monotonic() > until:
            return
        yield row


def _placed(batch: Batch, orders: Sequence[Order], login: LiveSession) -> BatchUpdate:
    now = clock.now(batch.gateway)
    acks = _place(batch, orders, login, now)
    for order in orders:
        _acknowledge(order, acks.get(order.ref), now)
    batch.placed_at = now
    return BatchUpdate(batch, orders, changed=orders, event=EventType.ORDER_PLACED, now=now)


@dataclass(frozen=True, slots=True)
class PollResult:
    """The effect of a broker's reports on a batch: new statuses of orders, sides of new fills, and corrections that the
    broker now confirms or contradicts."""

    update: BatchUpdate
    ended: Sequence[str]
    filled: Sequence[str]
    checked: Sequence[OrderCorrection]


def record_poll_results(results: Sequence[PollResult]) -> None:
    """Writes orders, batches, transactions and events together; skips batches that another worker has taken."""
    with atomic(durable=True):
        written = record_batch_updates([one.update for one in results], REPORTED_FIELDS_AND_LOG)
        mine = [one for one in results if one.update in written]
        OrderCorrection.objects.bulk_update(
            [each for one in mine for each in one.checked], ["broker_confirms", "broker_reported_at"]
        )
        count(ended=[each for one in mine for each in one.ended], filled=[each for one in mine for each in one.filled])
    _log(written)


def _log(written: Sequence[BatchUpdate]) -> None:
    """Logs each batch with an event, under the id of the request that started the work."""
    for one in written:
        if one.event:
            with request_id.bound(one.batch.request_id):
                log.info("Batch %s is %s.", one.batch, one.batch.status)


def poll_result_of(batch: Batch, orders: Sequence[Order], reports: Mapping[str, Report], now: datetime) -> PollResult:
    """Applies the reports. Every report is logged.

    A report about an order that support has corrected is compared with the correction and changes nothing.
    """
    limit = unreported_limit_of(batch.gateway)
    polled = [order for order in orders if _is_open_or_unknown(order)]
    before = {order.pk: state_of(order) for order in polled}
    after = {
        order.pk: apply_report(before[order.pk], reports.get(order.ref), now=now, unreported_limit=limit)
        for order in polled
    }
    changed = [order for order in polled if after[order.pk] != before[order.pk]]
    is_news = any(_visible(after[order.pk]) != _visible(before[order.pk]) for order in changed)
    for order in changed:
        apply_state(order, after[order.pk])
    updated, checked = _log_reports(orders, reports, now), _check_corrections(orders, reports, now)
    written = list({order.pk: order for order in (*changed, *updated)}.values())
    return PollResult(
        BatchUpdate(batch, orders, changed=written, event=EventType.ORDER_UPDATED if is_news else None, now=now),
        ended=[order.status for order in changed if order.status != before[order.pk].status],
        filled=[order.side for order in changed if order.filled_quantity > before[order.pk].filled_quantity],
        checked=checked,
    )


def _log_reports(orders: Sequence[Order], reports: Mapping[str, Report], now: datetime) -> list[Order]:
    """The orders whose report differs from the previous report."""
    updated = []
    for order in orders:
        if order.ref in reports:
            known, order.report_log = order.report_log, with_report(order.report_log, reports[order.ref], now=now)
            if order.report_log != known:
                updated.append(order)
    return updated


def _check_corrections(orders: Sequence[Order], reports: Mapping[str, Report], now: datetime) -> list[OrderCorrection]:
    """The current corrections whose confirmation by the broker has changed."""
    checked = []
    for order in orders:
        if order.active_correction is not None and order.ref in reports:
            verdict = broker_confirms(state_of(order), reports[order.ref])
            if verdict is not None and verdict != order.active_correction.broker_confirms:
                order.active_correction.broker_confirms, order.active_correction.broker_reported_at = verdict, now
                checked.append(order.active_correction)
    return checked


def unreported_limit_of(gateway: Gateway) -> timedelta:
    """How long an order may stay unreported before its outcome is unknown."""
    seconds = settings.UNREPORTED_LIMIT_TEST_SECONDS if gateway.is_test else settings.UNREPORTED_LIMIT_LIVE_SECONDS
    return timedelta(seconds=seconds)


def read(rows: Sequence[int]) -> list[tuple[Batch, list[Order]]]:
    """Batches with related rows and orders. A write by another worker changes the fencing token."""
    batches = sql.batches_of(rows)
    read_versions(batches)
    orders: dict[int, list[Order]] = {batch.pk: [] for batch in batches}
    for order in _orders(orders):
        orders[order.batch_id].append(order)
    return [(batch, _surrounded(batch, orders[batch.pk])) for batch in batches]


def read_one(row: int) -> tuple[Batch, list[Order]]:
    for found in read([row]):
        return found
    raise Batch.DoesNotExist(f"There is no batch {row}.")


def _surrounded(batch: Batch, orders: list[Order]) -> list[Order]:
    """Each order knows its batch."""
    for order in orders:
        order.batch = batch
    return orders


def _orders(batches: Collection[int]) -> list[Order]:
    """In the basket's order, with the corrections in force, which few have."""
    orders = sql.orders_of(batches)
    corrected = [order for order in orders if order.active_correction_id]
    in_force = OrderCorrection.objects.in_bulk({order.active_correction_id for order in corrected}) if corrected else {}
    for order in corrected:
        order.active_correction = in_force[order.active_correction_id]
    return orders


def _place(batch: Batch, orders: Sequence[Order], login: LiveSession, now: datetime) -> Mapping[str, Ack | Refused]:
    """The broker's answers by ref; the order book will show the result of the others."""
    answers: dict[str, Ack | Refused] = {}
    for order in orders:
        try:
            answers[order.ref] = adapter_for(login.broker).place(login, _new_order(order, batch, len(orders)), now=now)
        except Refused as refusal:
            answers[order.ref] = refusal
        except Unreachable as error:
            log.warning("Placing batch %s: %s", batch, error)
    return answers


def _new_order(order: Order, batch: Batch, basket_size: int) -> NewOrder:
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
        position=order.position,
        basket_size=basket_size,
    )


def _acknowledge(order: Order, answer: Ack | Refused | None, now: datetime) -> None:
    """An order without an answer counts as placed: it was sent and may be live. No book has listed the order yet."""
    if isinstance(answer, Refused):
        order.status = move(OrderStatus(order.status), OrderStatus.UNPLACED).value
        order.error_code, order.status_message = answer.code, answer.message
        return
    order.status = move(OrderStatus(order.status), OrderStatus.PLACED).value
    order.ordered_at = order.unreported_since = now


def _ask(batch: Batch, orders: Sequence[Order], login: LiveSession, now: datetime) -> Mapping[str, Report]:
    broker = adapter_for(login.broker)
    polled = [order for order in orders if _is_open_or_unknown(order) or is_unconfirmed(order)]
    try:
        for order in polled:
            if order.cancelled_by_id:
                broker.cancel(login, SentOrder(order.ref, Variety(batch.variety), None), now=now)
        book = broker.order_book(login, [order.ref for order in polled], now=now)
    except Unreachable as error:
        log.warning("Polling batch %s: %s", batch, error)
        return {}
    return latest_report(book)


def _is_open_or_unknown(order: Order) -> bool:
    return order.status in {OrderStatus.PLACED, OrderStatus.ERROR}


def _visible(state: OrderState) -> OrderState:
    """The part of the state whose change is an event; not `unreported_since`, nor the exchange's order id."""
    return replace(state, unreported_since=None, exchange_order_id=None)
