"""Leased work: offer what is due, claim one row, settle it behind the fence."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db.models import Q, QuerySet

from gateway.database.updating import update_each, update_where
from gateway.models import Work
from gateway.partners import clock
from gateway.queue.enqueue import Job, QueueDown, bells_waiting, ring

W = TypeVar("W", bound=Work)

# A rung bell is given this long to be answered before the sweep rings again.
OFFER: Final = timedelta(seconds=5)
SWEPT_AT_ONCE: Final = 500
FEW: Final = 50  # bells that a queue of any length can bear


def claim(rows: Callable[[], QuerySet[W]], *, row: int, attempt: int, lease: timedelta) -> bool:
    """The UPDATE is the check: of all who heard this bell, one gets True and the row for `lease`.

    `rows` is a function that stays the same: the statement is built once for each.
    """
    bell = {"pk": row, "attempts": attempt}
    return update_where(_owed(rows), bell, attempts=attempt + 1, leased_until=clock.wall() + lease) == 1


@lru_cache
def _owed(rows: Callable[[], QuerySet[W]]) -> Callable[[], QuerySet[W]]:
    return lambda: rows().filter(due_at__isnull=False)


def mine(rows: QuerySet[W], work: W) -> QuerySet[W]:
    """The row, unless another has claimed or woken it since: then none."""
    return rows.filter(**fence(work))


def fence(work: Work) -> dict[str, object]:
    """What only the row matches that nobody has claimed or woken since."""
    return {"pk": work.pk, "attempts": work.attempts}


def claim_each(rows: Sequence[Work], *, lease: timedelta) -> None:
    """Found owed and unleased by the caller, who holds them locked since."""
    until = clock.wall() + lease
    for row in rows:
        row.attempts += 1
        row.leased_until = until
    update_each(rows, ("attempts", "leased_until"))


def due(rows: QuerySet[W], clocks: Iterable[tuple[int | None, datetime]]) -> QuerySet[W]:
    """Those that are due by their own gateway's clock, and unleased. `clocks` as gateway.partners.clock tells them."""
    (_, wall), *ahead = clocks
    is_due = Q(due_at__lte=wall)
    for gateway, now in ahead:
        is_due |= Q(gateway=gateway, due_at__lte=now)
    return rows.filter(is_due, leased_until__lte=wall)


def offer_due(rows: QuerySet[W], job: Job, *, limit: int = SWEPT_AT_ONCE) -> int:
    """Ring for every row that is due and unleased, the longest due first, until `limit` bells wait in the queue.

    Running twice rings twice; the fence makes the second bell match nothing. But it has to be answered: where workers
    cannot keep up, bells rung anew for what waits in the queue would leave them nothing else to do.
    """
    found = list(due(rows, clock.clocks()).order_by("due_at").values_list("pk", "attempts")[:limit])
    if len(found) > FEW:
        found = found[: max(0, limit - _waiting())]
    if found:
        rows.filter(pk__in=[pk for pk, _ in found]).update(leased_until=first_offer(clock.wall()))
    for pk, attempts in found:
        ring(job, row=pk, attempt=attempts)
    return len(found)


def _waiting() -> int:
    """None in a queue that does not answer: ringing finds out."""
    try:
        return bells_waiting([settings.CELERY_TASK_DEFAULT_QUEUE])
    except QueueDown:
        return 0


def first_offer(moment: datetime) -> datetime:
    """`leased_until` of a row whose bell is rung as it is written, `moment` by the wall."""
    return moment + OFFER


def erase(rows: "QuerySet[Any]") -> int:
    """One DELETE. Django's own would read every row first, to see what refers to it; the caller has cleared that away.

    A foreign key still holds: what refers to an erased row makes the commit fail.
    """
    return rows._raw_delete(rows.db)
