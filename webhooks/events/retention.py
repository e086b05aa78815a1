"""Deletes old events and their deliveries in chunks."""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.transaction import atomic

from gateway.models import Gateway
from gateway.partners import clock
from webhooks.events.event_types import EventType
from webhooks.models import Attempt, Delivery, Event

CHUNK: Final = 1_000
CHUNKS_AT_ONCE: Final = 200


def forget_old(*, keep: timedelta) -> int:
    """Deletes events older than `keep` by their gateway's clock, with deliveries and attempts. Returns how many events.

    Safe to stop anywhere and to run twice at once: each chunk is one transaction.
    """
    forgotten = 0
    for gateway in Gateway.objects.order_by("pk"):
        for _ in range(CHUNKS_AT_ONCE):
            gone = _forget_chunk(gateway, before=clock.now(gateway) - keep)
            forgotten += gone
            if gone < CHUNK:
                break
    return forgotten


def _forget_chunk(gateway: Gateway, *, before: datetime) -> int:
    with atomic(durable=True):
        chunk = _old(gateway, before).order_by("created_at").values_list("pk", flat=True)[:CHUNK]
        events = list(chunk)
        Attempt.objects.filter(delivery__event__in=events).delete()
        Delivery.objects.filter(event__in=events).delete()
        Event.objects.filter(pk__in=events).delete()
    return len(events)


def _old(gateway: Gateway, before: datetime) -> QuerySet[Event]:
    """Without pending deliveries. A subject's last `action.pending` stays: the next sequence continues from it."""
    later = Event.objects.filter(gateway=gateway, subject=OuterRef("subject"), sequence__gt=OuterRef("sequence"))
    owed = Delivery.objects.filter(event=OuterRef("pk"), due_at__isnull=False)
    counted = ~Q(type=EventType.ACTION_PENDING.value) | Exists(later)
    return Event.objects.filter(counted, ~Exists(owed), gateway=gateway, created_at__lt=before)
