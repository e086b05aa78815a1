"""Writes the work of many batches in one transaction: what was answered, what is sent next, and longer leases."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from django.db.transaction import atomic

from brokers import sql as brokers
from brokers.ports.broker import SessionEnded
from gateway.database.rows import update_rows
from gateway.partners import clock
from gateway.queue.leases import LEASE
from transactions import sql
from transactions.execution.broker_sessions import end_sessions
from transactions.execution.placement import Placement
from transactions.execution.polling import BookRead
from transactions.execution.record_updates import SENT_FIELDS, WorkResult, record_batch_updates
from transactions.models import Order, OrderCorrection

log = logging.getLogger(__name__)
Work: TypeAlias = Placement | BookRead
PLACED_FIELDS: Final = ["status", "error_code", "status_message", "unreported_since", *SENT_FIELDS]


@dataclass(frozen=True, slots=True, eq=False)
class Send:
    """An order whose call starts after the commit. `since`: its place among the calls in flight."""

    placement: Placement
    order: Order
    since: float


def record(finished: Sequence[Work], going_on: Sequence[Work], sends: Sequence[Send]) -> list[Work]:
    """All or nothing; returns the work whose batches another worker has taken: nothing of it was written."""
    touched = [work for work in going_on if _has_news(work, sends) or _lease_is_short(work)]
    if not (finished or touched):
        return []
    with atomic(durable=True):
        attempts = sql.fencing_tokens([batch.pk for work in (*finished, *touched) for batch in work.batches])
        lost = [work for work in (*finished, *touched) if not _is_ours(work, attempts)]
        results = _results([work for work in finished if work not in lost])
        record_batch_updates([result.update for result in results])
        _record_corrections(results)
        _record_orders([work for work in touched if work not in lost], sends)
        _renew([work for work in touched if work not in lost])
    return lost


def _is_ours(work: Work, attempts: dict[int, int]) -> bool:
    """A read of a book may be of several batches: one that was taken over is left out, and the others are written."""
    if isinstance(work, BookRead):
        work.rows = [row for row in work.rows if attempts.get(row[0].pk) == row[0].attempts]
    elif attempts.get(work.batch.pk) != work.batch.attempts:
        log.info("Batch %s was taken over; this worker's result is dropped.", work.batch)
        return False
    return True


def _results(finished: Sequence[Work]) -> list[WorkResult]:
    without_session = _without_session(work for work in finished if isinstance(work.obstacle, SessionEnded))
    return [
        result
        for work in finished
        for result in work.finish(is_session_over=work.account.pk in without_session, now=_now(work))
    ]


def _without_session(works: Iterable[Work]) -> set[int]:
    """Accounts that only a login can help. Ends their sessions, each once; some may have logged in meanwhile."""
    ended = list(works)
    end_sessions((work.account, work.session, _now(work)) for work in ended if work.session)
    accounts = {work.account.pk for work in ended}
    return accounts - brokers.live_sessions(accounts).keys() if accounts else set()


def _now(work: Work) -> datetime:
    return clock.now(work.account.gateway)


def _record_corrections(results: Sequence[WorkResult]) -> None:
    checked = [correction for result in results for correction in result.checked]
    if checked:
        OrderCorrection.objects.bulk_update(checked, ["broker_confirms", "broker_reported_at"])


def _record_orders(placements: Sequence[Work], sends: Sequence[Send]) -> None:
    """Answers, and orders that may be sent from now on."""
    orders = [order for work in placements if isinstance(work, Placement) for order in work.answered]
    for send in sends:
        if send.placement in placements:
            send.order.sent_at = clock.now(send.placement.batch.gateway)
            orders.append(send.order)
    update_rows(orders, PLACED_FIELDS)
    for work in placements:
        if isinstance(work, Placement):
            work.answered = []


def _renew(works: Sequence[Work]) -> None:
    short = [batch for work in works if _lease_is_short(work) for batch in work.batches]
    for batch in short:
        batch.leased_until = clock.wall() + LEASE
    update_rows(short, ["leased_until"])


def _has_news(work: Work, sends: Sequence[Send]) -> bool:
    return isinstance(work, Placement) and (bool(work.answered) or any(send.placement is work for send in sends))


def _lease_is_short(work: Work) -> bool:
    return any(batch.leased_until - clock.wall() < LEASE / 2 for batch in work.batches)
