"""Pending events, recorded as services do."""

from datetime import datetime

from django.db.transaction import atomic

from gateway.models import Gateway
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events
from webhooks.models import Delivery

AUTH_ID = "5d8dc01c1446386d96c4832f"
PAYLOAD = {"batchId": "b" * 24, "status": "COMPLETED", "smallcaseAuthId": AUTH_ID}


def owe(gateway: Gateway, now: datetime, *, sequence: int = 1, subject: str = "b" * 24) -> Delivery:
    """The newest delivery, of an event that was just recorded."""
    with atomic():
        record_events(
            EventDraft(
                gateway=gateway,
                kind=EventType.ORDER_UPDATED,
                subject=subject,
                sequence=sequence,
                payload=PAYLOAD,
                now=now,
            )
        )
    return Delivery.objects.latest("pk")
