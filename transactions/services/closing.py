"""An unfinished batch is closed by its user or by support."""

from datetime import datetime

from django.db.models import F
from django.db.transaction import atomic

from gateway.errors import Conflict
from transactions import payloads
from transactions.models import Batch
from transactions.states import UNFINISHED_BATCH, BatchStatus
from webhooks.events import EventType
from webhooks.services.recording import record_event


class NotUnfinished(Conflict):
    """Only a batch that ended short of complete can be marked complete."""


def mark_complete(*, batch: Batch, now: datetime) -> None:
    """MARKEDCOMPLETE, once. The orders stay as they are."""
    with atomic(durable=True):
        unfinished = Batch.objects.filter(pk=batch.pk, status__in=UNFINISHED_BATCH)
        marked = {
            "status": BatchStatus.MARKEDCOMPLETE,
            "sequence": F("sequence") + 1,
            "attempts": F("attempts") + 1,
        }
        if not unfinished.update(**marked):
            raise NotUnfinished(f"A batch in {batch.status} cannot be marked complete.")
        marked_batch = Batch.objects.select_related("gateway", "transaction__account").get(pk=batch.pk)
        orders = list(marked_batch.orders.order_by("position"))
        record_event(
            gateway=marked_batch.gateway,
            kind=EventType.ORDER_UPDATED,
            subject=marked_batch.batch_id,
            sequence=marked_batch.sequence,
            payload=payloads.order_event(marked_batch, orders, marked_batch.transaction),
            now=now,
        )
