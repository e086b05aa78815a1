"""Leases of work: dispatch due rows, acquire the lease of a row, write with its fencing token."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db.models import Q, QuerySet

from gateway.database.rows import delete_rows, update_rows
from gateway.models import Leased, Work
from gateway.partners import clock
from gateway.queue.enqueue import QueueDown, TaskName, enqueue, messages_waiting

W = TypeVar("W", bound=Leased)

# Longer than a step of a worker takes, or any call of a broker: an expired lease means that the worker died.
LEASE: Final = timedelta(seconds=60)
# After a wake-up message, the sweep waits this long before it sends another.
REDISPATCH_AFTER: Final = timedelta(seconds=5)
SWEPT_AT_ONCE: Final = 500
FEW: Final = 50  # messages that may be added to a queue of any length


def acquire(rows: QuerySet[W], *, row: int, attempt: int, lease: timedelta = LEASE) -> bool:
    """Claims the row by an UPDATE: of all workers with this message, one gets True, and the row for `lease`."""
    unclaimed: QuerySet[Any] = rows.filter(pk=row, attempts=attempt, due_at__isnull=False)
    return unclaimed.update(attempts=attempt + 1, leased_until=clock.wall() + lease) == 1


def mine(rows: QuerySet[W], work: W) -> QuerySet[W]:
    """The row, or none if its fencing token has changed."""
    return rows.filter(**fencing_token(work))


def fencing_token(work: Leased) -> dict[str, object]:
    """A condition that the row matches until its lease is acquired again or it is requeued."""
    return {"pk": work.pk, "attempts": work.attempts}


def acquire_each(rows: Sequence[Leased], *, lease: timedelta = LEASE) -> None:
    """Leases rows that the caller has found due and unleased, and has locked."""
    until = clock.wall() + lease
    for row in rows:
        row.attempts += 1
        row.leased_until = until
    update_rows(rows, ("attempts", "leased_until"))


def due(rows: QuerySet[W], clocks: Iterable[tuple[int | None, datetime]]) -> QuerySet[W]:
    """Rows that are due by their gateway's clock and not leased. `clocks` as from gateway.partners.clock."""
    (_, wall), *ahead = clocks
    is_due = Q(due_at__lte=wall)
    for gateway, now in ahead if issubclass(rows.model, Work) else ():
        is_due |= Q(gateway=gateway, due_at__lte=now)
    return rows.filter(is_due, leased_until__lte=wall)


def dispatch_due(rows: QuerySet[W], task: TaskName, *, limit: int = SWEPT_AT_ONCE) -> int:
    """Sends a message for every due, unleased row, longest due first, until `limit` messages wait in the queue.

    Running twice sends twice; the fencing token makes the second message do nothing. But a worker still has to read it:
    if workers cannot keep up, more messages for the same rows would keep them busy with nothing else.
    """
    found = list(due(rows, clock.clocks()).order_by("due_at").values_list("pk", "attempts")[:limit])
    if len(found) > FEW:
        found = found[: max(0, limit - _waiting())]
    if found:
        rows.filter(pk__in=[pk for pk, _ in found]).update(leased_until=redispatch_at(clock.wall()))
    for pk, attempts in found:
        enqueue(task, row=pk, attempt=attempts)
    return len(found)


def _waiting() -> int:
    """0 if the queue does not answer; sending then reports the failure."""
    try:
        return messages_waiting([settings.CELERY_TASK_DEFAULT_QUEUE])
    except QueueDown:
        return 0


def redispatch_at(moment: datetime) -> datetime:
    """`leased_until` of a row whose wake-up message is sent when it is written; `moment` in real time."""
    return moment + REDISPATCH_AFTER


def erase(rows: "QuerySet[Any]") -> int:
    """Deletes rows by their keys. Django's own DELETE would first read every reference; the caller has deleted those.

    Foreign keys still apply: a remaining reference to a deleted row makes the commit fail.
    """
    return delete_rows(rows.model, list(rows.order_by("pk").values_list("pk", flat=True)))
