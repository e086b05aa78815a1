"""Pending rows of each queue, in real time, as the sweeps see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Greatest

from gateway.monitoring.contributions import queues
from gateway.queue.enqueue import TaskName

# Exact counts above this would help nobody.
COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """`oldest`: how long the first row has been due. `unattended`: how long rows wait while no row has a worker.

    With slow workers only `oldest` grows; without workers both do. `rows` is at most COUNTED, and both durations
    consider as many rows. `kind` is the task that works on the rows.
    """

    kind: TaskName
    rows: int
    oldest: timedelta
    unattended: timedelta


def backlogs(*, now: datetime) -> list[Backlog]:
    """One statement per queue. `now` is real time: rows due only by a test gateway's clock do not count."""
    return [_backlog(kind, owed(), now) for kind, owed in queues()]


def _backlog(kind: TaskName, owed: QuerySet[Any], now: datetime) -> Backlog:
    due = owed.filter(due_at__lte=now).order_by("due_at")[:COUNTED]
    free = Min(Greatest("due_at", "leased_until"), filter=Q(leased_until__lte=now))
    held = Count("pk", filter=Q(leased_until__gt=now))
    found = due.aggregate(rows=Count("pk"), since=Min("due_at"), free_since=free, held=held)
    unattended = _until(now, None if found["held"] else found["free_since"])
    return Backlog(kind, found["rows"], _until(now, found["since"]), unattended)


def _until(now: datetime, moment: datetime | None) -> timedelta:
    return now - moment if moment else timedelta(0)
