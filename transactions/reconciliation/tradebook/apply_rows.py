"""Applies rows of a tradebook: one statement marks them, a worker applies them batch by batch, each row once."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.db.models import F, QuerySet
from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.partners import clock
from gateway.queue import leases
from gateway.queue.enqueue import TaskName, enqueue
from gateway.values.errors import Conflict, GatewayError
from transactions.domain.corrections import CorrectedOutcome, from_kept
from transactions.models import Batch, OrderCorrection
from transactions.reconciliation.correct_orders import MAY_CORRECT, CorrectedBy, correct_order_within, person
from transactions.reconciliation.tradebook.discard import hold
from transactions.reconciliation.tradebook.models import BookRow, RowState, Tradebook
from transactions.reconciliation.tradebook.verdicts import SAFE, Traded, outcome_of

SHIFT: Final = timedelta(seconds=20)
SLICE: Final = 200


class NotWhole(Conflict):
    """The staging of this tradebook did not finish."""


class BeingApplied(Conflict):
    """Workers are applying another person's rows of this tradebook."""


def want(*, tradebook: Tradebook, actor: Actor, rows: Sequence[int] | None = None) -> int:
    """Queues the given rows that can be applied, or (None) all safe rows, for the workers; returns their number.

    One person at a time, because the tradebook stores one address for the audit trail. Raises NotWhole, BeingApplied,
    Discarded.
    """
    waiting = BookRow.objects.filter(tradebook=tradebook, state=RowState.WAITING, can_be_applied=True)
    chosen = waiting.filter(verdict__in=SAFE) if rows is None else waiting.filter(pk__in=rows)
    with atomic(durable=True):
        if hold(tradebook).staged_at is None:
            raise NotWhole("The upload of this tradebook did not finish. Upload it again.")
        under_way = BookRow.objects.filter(tradebook=tradebook, state=RowState.WANTED)
        if under_way.exclude(requested_by=person(actor)).exists():
            raise BeingApplied("Another person is applying rows of this tradebook. Wait until they are applied.")
        wanted = chosen.update(state=RowState.WANTED, requested_by=person(actor))
        if wanted:
            _make_due(tradebook, actor, wanted)
    return wanted


def _make_due(tradebook: Tradebook, actor: Actor, wanted: int) -> None:
    wall = clock.wall()
    Tradebook.objects.filter(pk=tradebook.pk).update(
        due_at=wall, leased_until=leases.redispatch_at(wall), attempts=F("attempts") + 1, address=actor.address[:64]
    )
    tradebook.refresh_from_db()
    actor.record("apply tradebook", f"tradebook {tradebook.pk}", after={"name": tradebook.name, "rows": wanted})
    enqueue(TaskName.APPLY_TRADEBOOK, row=tradebook.pk, attempt=tradebook.attempts)


def tradebooks() -> QuerySet[Tradebook]:
    return Tradebook.objects.all()


def apply_book(*, row: int, attempt: int) -> None:
    """Applies rows for up to SHIFT. If the worker dies, other rows stay WANTED and the sweep enqueues them again."""
    if not leases.acquire(tradebooks(), row=row, attempt=attempt):
        return
    book, until = Tradebook.objects.get(pk=row), clock.wall() + SHIFT
    while clock.wall() < until and apply_some(book):
        leases.mine(tradebooks(), book).update(leased_until=clock.wall() + leases.LEASE)
    finish(book)


def finish(book: Tradebook) -> None:
    """Enqueues the tradebook again while rows are WANTED; does nothing if another worker has taken it."""
    with atomic(durable=True):
        mine = leases.mine(tradebooks(), book)
        if not BookRow.objects.filter(tradebook=book, state=RowState.WANTED).exists():
            mine.update(due_at=None)
        elif mine.update(leased_until=leases.redispatch_at(clock.wall())):
            enqueue(TaskName.APPLY_TRADEBOOK, row=book.pk, attempt=book.attempts)


def apply_some(book: Tradebook) -> int:
    """Applies the next SLICE of rows, in one transaction for each batch; returns the number of rows."""
    wanted = BookRow.objects.filter(tradebook=book, state=RowState.WANTED).order_by("pk")
    rows = list(wanted.select_related("order__batch__gateway", "requested_by")[:SLICE])
    by_batch: dict[int, list[BookRow]] = {}
    for row in _of_those_who_may(rows):
        if row.order is not None:
            by_batch.setdefault(row.order.batch_id, []).append(row)
    for together in by_batch.values():
        _apply_batch(book, together)
    return len(rows)


def _of_those_who_may(rows: Sequence[BookRow]) -> Iterator[BookRow]:
    """Rows of people who may still correct orders; refuses the rows of the others."""
    people = {row.requested_by_id: row.requested_by for row in rows}
    may = {pk: user is not None and user.has_perm(MAY_CORRECT) for pk, user in people.items()}
    for row in rows:
        if may[row.requested_by_id]:
            yield row
        else:
            _refuse(row, "The person who applied this row may no longer correct orders.")


def _apply_batch(book: Tradebook, rows: Sequence[BookRow]) -> None:
    """Applies the rows together, with one webhook; after an error each row alone, so one cannot block the others."""
    try:
        _apply(book, rows)
    except GatewayError as refusal:
        if len(rows) > 1:
            for row in rows:
                _apply_batch(book, [row])
        else:
            _refuse(rows[0], " ".join(refusal.sentences))


def _refuse(row: BookRow, why: str) -> None:
    wanted = BookRow.objects.filter(pk=row.pk, state=RowState.WANTED)
    wanted.update(state=RowState.REFUSED, refusal=why[:300])


def _apply(book: Tradebook, rows: Sequence[BookRow]) -> None:
    """Writes corrections and rows in one transaction: a row is TAKEN exactly if its correction exists."""
    batch, by = _batch_of(rows[0]), rows[0].requested_by
    actor = Actor(by, book.address, clock.wall())
    lines = ", ".join(f"line {row.line}" if row.line else f"{row.symbol} is not in the file" for row in rows)[:200]
    by_order = {row.order_id: row for row in rows if row.order_id}
    with atomic(durable=True):
        made = correct_order_within(
            batch=batch,
            outcomes={pk: _outcome(row) for pk, row in by_order.items()},
            seen={pk: from_kept(row.order_snapshot) for pk, row in by_order.items() if row.order_snapshot},
            corrected_by=CorrectedBy(actor, f"Tradebook {book.name}, no. {book.pk}: {lines}.", from_tradebook=True),
            now=clock.now(batch.gateway),
        )
        for one in made:
            _take(by_order[one.order_id], one)


def _take(row: BookRow, correction: OrderCorrection) -> None:
    mine = BookRow.objects.filter(pk=row.pk, state=RowState.WANTED)
    if not mine.update(state=RowState.TAKEN, correction=correction):
        raise Conflict("Another worker has taken this row.")


def _batch_of(row: BookRow) -> Batch:
    if row.order is None:
        raise AssertionError("A constraint allows only rows with an order.")
    return row.order.batch


def _outcome(row: BookRow) -> CorrectedOutcome:
    traded = Traded(row.symbol, row.side, row.quantity, Decimal(row.turnover))
    return outcome_of(traded, row.order.quantity if row.order else 0, order_no=row.order_no)
