"""Batches that are looked after sooner than planned: something at the broker's side has changed."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from gateway import clock, work
from gateway.jobs import Job, ring
from gateway.models import Gateway
from transactions.models import Batch, Order
from transactions.states import BatchStatus
from webhooks.models import Delivery, Replay

LOOKED_AFTER = (BatchStatus.PLACED, BatchStatus.PARTIALLYPLACED, BatchStatus.ERROR)


def queued() -> QuerySet[Batch]:
    """Whose broker has yet to hear of them."""
    return Batch.objects.filter(status=BatchStatus.QUEUED)


def followed() -> QuerySet[Batch]:
    """Whose broker is asked when they are due: open and lost ones, and final ones that support has settled."""
    return Batch.objects.exclude(status=BatchStatus.QUEUED)


def wake(batches: QuerySet[Batch], gateway: Gateway, *, now: datetime) -> None:
    """Due at once. The fence moves, so that a worker which has asked the broker before this writes nothing."""
    settled = Order.objects.filter(batch=OuterRef("pk"), settled_by__isnull=False)
    open_ones = batches.filter(Q(status__in=LOOKED_AFTER) | Exists(settled), gateway=gateway)
    offered = work.first_offer(clock.wall_at(gateway, now))
    open_ones.update(due_at=now, leased_until=offered, attempts=F("attempts") + 1)
    for pk, attempts in open_ones.values_list("pk", "attempts"):
        ring(Job.SYNC_BATCH, row=pk, attempt=attempts)


def return_to_present(gateway: Gateway, *, now: datetime) -> None:
    """After the clock went back to the wall's: what waits for a moment of the time it came from, waits no longer."""
    Batch.objects.filter(gateway=gateway, due_at__gt=now).update(due_at=now)
    Delivery.objects.filter(gateway=gateway, due_at__gt=now).update(due_at=now)
    Replay.objects.filter(gateway=gateway, due_at__gt=now).update(due_at=now)
    Order.objects.filter(batch__gateway=gateway, silent_since__gt=now).update(silent_since=now)
