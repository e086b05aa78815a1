"""What is owed at this moment, kind by kind, as the sweeps see it; by the wall's clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Greatest

from gateway.monitoring.contributions import queues
from gateway.queue.enqueue import TaskName

# A higher count would help nobody.
COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """`oldest`: since when the first row has been due. `unattended`: for how long one has lain, and nobody is at any.

    A worker that is slow lets the first grow; only where none comes does the second. `rows` is COUNTED at most, and
    both durations look at as many. `kind` is the name of its task.
    """

    kind: TaskName
    rows: int
    oldest: timedelta
    unattended: timedelta


def backlogs(*, now: datetime) -> list[Backlog]:
    """A statement for each kind. `now` is the wall's: what a test gateway's clock makes due sooner is passed over."""
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
