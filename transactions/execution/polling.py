"""Polls brokers: one order book answers for all open batches of an account. What cannot be asked changes no order.

Four outcomes: reports; an order that an answered book omits; a broker that cannot be asked; a session that has ended.
Only the second counts towards the limit after which an order's outcome is unknown.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from brokers.ports.broker import LiveSession, Refused, Report, SentOrder, SessionEnded, Unreachable, Variety
from brokers.ports.outages import Link
from brokers.ports.registry import adapter_for
from gateway.models import Account, Gateway
from gateway.values.timestamps import IST
from transactions.domain.corrections import broker_confirms
from transactions.domain.order_reports import OrderState, apply_report, latest_report
from transactions.domain.poll_schedule import next_poll
from transactions.domain.report_log import with_report
from transactions.domain.statuses import OrderStatus
from transactions.execution.broker_calls import Answer, Question
from transactions.execution.placement import is_unsent
from transactions.execution.record_updates import BatchUpdate, WorkResult, apply_state, is_unconfirmed, state_of
from transactions.models import Batch, Order, OrderCorrection

log = logging.getLogger(__name__)
BatchAndOrders = tuple[Batch, Sequence[Order]]


@dataclass(eq=False, slots=True)
class BookRead:
    """A look at an account's order book, for some of its batches. `obstacle`: Unreachable or SessionEnded.

    `taken_over`: orders that another worker may have sent (placement.take_over).
    """

    account: Account
    session: LiveSession | None
    rows: list[BatchAndOrders] = field(default_factory=list)
    taken_over: list[Order] = field(default_factory=list)
    obstacle: Unreachable | SessionEnded | None = None
    reports: Mapping[str, Report] = field(default_factory=dict)
    is_asked: bool = False
    is_done: bool = False

    @property
    def batches(self) -> Sequence[Batch]:
        return [batch for batch, _ in self.rows]

    @property
    def link(self) -> Link:
        return self.account.gateway_id, self.account.broker

    def question(self, *, now: datetime) -> Question:
        """The call that sends cancellations and reads the book."""
        self.is_asked = True
        if self.session is None:
            raise AssertionError("Without a session nobody is asked.")
        asked = [order for _, orders in self.rows for order in orders if _is_asked_about(order)]
        unwanted = [_sent(order) for order in asked if order.cancelled_by_id and order.status == OrderStatus.PLACED]
        return partial(_ask, self.session, unwanted, [order.ref for order in asked], now)

    def apply_answer(self, answer: Answer) -> None:
        self.is_done = True
        if isinstance(answer.error, Unreachable | SessionEnded):
            self.obstacle = answer.error
        elif isinstance(answer.result, dict):
            self.reports = answer.result

    def finish(self, *, is_session_over: bool, now: datetime) -> list[WorkResult]:
        """`is_session_over`: only a login can help. A session that a login has replaced is tried again at once."""
        if self.obstacle is not None:
            return [
                self._with_taken_over(_unasked(one, self.obstacle, now, is_over=is_session_over)) for one in self.rows
            ]
        self._send_again()
        taken_over = {order.batch_id for order in self.taken_over}
        return [
            self._acknowledged(batch, orders, now)
            if batch.pk in taken_over
            else poll_result_of(batch, orders, self.reports, now)
            for batch, orders in self.rows
        ]

    def _acknowledged(self, batch: Batch, orders: Sequence[Order], now: datetime) -> WorkResult:
        """The book stands for answers that a dead worker has not written; its reports are applied at the next look."""
        batch.unreachable_since = batch.session_ended_at = None
        mine = [order for order in self.taken_over if order.batch_id == batch.pk]
        is_news = any(order.status == OrderStatus.PLACED for order in mine)
        return WorkResult(BatchUpdate(batch, orders, changed=mine, is_news=is_news, now=now))

    def _send_again(self) -> None:
        """Orders that a worker was about to send when it died, if the broker does not have them and refs are unique."""
        missing = [order for order in self.taken_over if order.ref not in self.reports and not order.cancelled_by_id]
        if missing and adapter_for(self.account.broker).has_unique_refs:
            for order in missing:
                order.status = OrderStatus.QUEUED.value
                order.sent_at = order.ordered_at = order.unreported_since = None

    def _with_taken_over(self, result: WorkResult) -> WorkResult:
        mine = [order for order in self.taken_over if order.batch_id == result.update.batch.pk]
        changed = list({order.pk: order for order in (*result.update.changed, *mine)}.values())
        return replace(result, update=replace(result.update, changed=changed))


def _ask(session: LiveSession, unwanted: Sequence[SentOrder], refs: Sequence[str], now: datetime) -> dict[str, Report]:
    """Runs in a thread. A cancellation that cannot be sent is sent again at the next look."""
    broker = adapter_for(session.broker)
    for order in unwanted:
        try:
            broker.cancel(session, order, now=now)
        except (Refused, Unreachable) as error:
            log.warning("Cancelling order %s: %s", order.ref, error)
    return latest_report(broker.order_book(session, refs, now=now))


def _unasked(one: BatchAndOrders, error: Unreachable | SessionEnded, now: datetime, *, is_over: bool) -> WorkResult:
    """No order changes. After an outage, the time in which an answered book omits an order starts again.

    Orders that wait to be sent are tried next (Placement), whatever the book's answer was.
    """
    batch, orders = one
    counting = [order for order in orders if order.unreported_since and order.status == OrderStatus.PLACED]
    for order in counting:
        order.unreported_since = None
    wait = timedelta(0)
    if any(map(is_unsent, orders)):
        return WorkResult(BatchUpdate(batch, orders, changed=counting, is_news=False, now=now, wait=wait))
    if is_over:
        batch.session_ended_at = batch.session_ended_at or now
    elif isinstance(error, Unreachable):
        batch.unreachable_since = batch.unreachable_since or now
        wait = max(next_poll(now - batch.unreachable_since), error.retry_after or timedelta(0))
    return WorkResult(BatchUpdate(batch, orders, changed=counting, is_news=False, now=now, wait=wait))


def _sent(order: Order) -> SentOrder:
    return SentOrder(order.ref, Variety(order.batch.variety), order.broker_order_id)


def _is_asked_about(order: Order) -> bool:
    return _is_open_or_unknown(order) or is_unconfirmed(order)


def poll_result_of(batch: Batch, orders: Sequence[Order], reports: Mapping[str, Report], now: datetime) -> WorkResult:
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
        if order.filled_quantity and order.traded_on is None:
            order.traded_on = ((order.ref in reports and reports[order.ref].at) or now).astimezone(IST).date()
    updated, checked = _log_reports(orders, reports, now), _check_corrections(orders, reports, now)
    written = list({order.pk: order for order in (*changed, *updated)}.values())
    wait = timedelta(0) if any(map(is_unsent, orders)) else None
    batch.session_ended_at = None
    batch.unreachable_since = batch.unreachable_since if wait is not None else None  # since when orders wait to be sent
    ended = [order.status for order in changed if order.status != before[order.pk].status]
    filled = [order.side for order in changed if order.filled_quantity > before[order.pk].filled_quantity]
    return WorkResult(
        BatchUpdate(batch, orders, changed=written, is_news=is_news, now=now, ended=ended, filled=filled, wait=wait),
        checked,
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


def _is_open_or_unknown(order: Order) -> bool:
    return order.status in {OrderStatus.PLACED, OrderStatus.ERROR}


def _visible(state: OrderState) -> OrderState:
    """The part of the state whose change is an event; not `unreported_since`, nor the exchange's ids."""
    return replace(state, unreported_since=None, exchange_order_id=None, slices=None)
