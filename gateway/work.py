"""Leased work: offer what is due, claim one row, settle it behind the fence."""

from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db.models import F, QuerySet

from gateway import clock
from gateway.jobs import Job, ring
from gateway.models import Work

W = TypeVar("W", bound=Work)

# A rung bell is given this long to be answered before the sweep rings again.
OFFER: Final = timedelta(seconds=5)
SWEPT_AT_ONCE: Final = 500


def claim(rows: QuerySet[W], *, row: int, attempt: int, lease: timedelta) -> bool:
    """The UPDATE is the check: of all who heard this bell, one gets True and the row for `lease`."""
    owed = rows.filter(pk=row, attempts=attempt, due_at__isnull=False)
    return owed.update(attempts=F("attempts") + 1, leased_until=clock.wall() + lease) == 1


def mine(rows: QuerySet[W], work: W) -> QuerySet[W]:
    """The row, unless another has claimed or woken it since: then none."""
    return rows.filter(pk=work.pk, attempts=work.attempts)


def offer_due(rows: QuerySet[W], job: Job, *, limit: int = SWEPT_AT_ONCE) -> int:
    """Ring for every row that is due and unleased, each by its own gateway's clock.

    Running twice rings twice; the fence makes the second bell match nothing.
    """
    offered = 0
    for gateway_id, now in clock.clocks():
        due = rows.filter(due_at__lte=now, leased_until__lte=clock.wall())
        if gateway_id is not None:
            due = due.filter(gateway_id=gateway_id)
        offered += _offer(rows, list(due.order_by("due_at").values_list("pk", "attempts")[:limit]), job)
    return offered


def _offer(rows: QuerySet[W], found: list[tuple[int, int]], job: Job) -> int:
    if found:
        rows.filter(pk__in=[pk for pk, _ in found]).update(leased_until=first_offer(clock.wall()))
    for pk, attempts in found:
        ring(job, row=pk, attempt=attempts)
    return len(found)


def first_offer(moment: datetime) -> datetime:
    """`leased_until` of a row whose bell is rung as it is written, `moment` by the wall."""
    return moment + OFFER
