"""Requeues batches for polling before their planned time, because something may have changed at the broker."""

from datetime import datetime

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.transaction import atomic

from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue.enqueue import TaskName, enqueue_soon
from gateway.telemetry import request_id
from transactions.domain.statuses import BatchStatus
from transactions.models import Batch, Order
from webhooks.models import Delivery, Replay

POLLED = (BatchStatus.PLACED, BatchStatus.PARTIALLYPLACED, BatchStatus.ERROR)


def requeue(batches: QuerySet[Batch], gateway: Gateway, *, now: datetime) -> None:
    """Makes batches due at once. The fencing token changes, so a worker with an older answer writes nothing."""
    settled = Order.objects.filter(batch=OuterRef("pk"), active_correction__isnull=False)
    open_ones = batches.filter(Q(status__in=POLLED) | Exists(settled), gateway=gateway)
    with atomic():
        _locked(open_ones).update(
            due_at=now,
            leased_until=clock.wall_at(gateway, now),
            attempts=F("attempts") + 1,
            request_id=request_id.current(),
        )
        enqueue_soon(TaskName.SYNC_BATCHES)


def return_to_present(gateway: Gateway, *, now: datetime) -> None:
    """After a clock was reset to real time, makes work that is due in its old future due now."""
    _locked(Batch.objects.filter(gateway=gateway, due_at__gt=now)).update(due_at=now)
    Delivery.objects.filter(gateway=gateway, due_at__gt=now).update(due_at=now)
    Replay.objects.filter(gateway=gateway, due_at__gt=now).update(due_at=now)
    Order.objects.filter(batch__gateway=gateway, unreported_since__gt=now).update(unreported_since=now)


def _locked(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Locks in pk order, like the workers, to avoid deadlocks."""
    held = batches.select_for_update(no_key=True, of=("self",)).order_by("pk")
    return Batch.objects.filter(pk__in=list(held.values_list("pk", flat=True)))
