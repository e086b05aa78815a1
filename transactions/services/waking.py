"""Batches that are looked after sooner than planned: something at the broker's side has changed."""

from datetime import datetime

from django.db.models import F, QuerySet

from gateway import clock, work
from gateway.jobs import Job, ring
from gateway.models import Gateway
from transactions.models import Batch
from transactions.states import BatchStatus

LOOKED_AFTER = (BatchStatus.PLACED, BatchStatus.PARTIALLYPLACED, BatchStatus.ERROR)


def wake(batches: QuerySet[Batch], gateway: Gateway, *, now: datetime) -> None:
    """Due at once. The fence moves, so that a worker which has asked the broker before this writes nothing."""
    open_ones = batches.filter(gateway=gateway, status__in=LOOKED_AFTER)
    offered = work.first_offer(clock.wall_at(gateway, now))
    open_ones.update(due_at=now, leased_until=offered, attempts=F("attempts") + 1)
    for pk, attempts in open_ones.values_list("pk", "attempts"):
        ring(Job.SYNC_BATCH, row=pk, attempt=attempts)
