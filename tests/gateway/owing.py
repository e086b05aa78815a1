"""A partner with an endpoint and pending events."""

from datetime import datetime

from django.db.transaction import atomic

from gateway.models import Gateway
from tests import make
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events


def gateway_with_endpoint(*, now: datetime) -> Gateway:
    """Nobody listens there."""
    made = make.gateway()
    add_endpoint(gateway=made, url="http://127.0.0.1:9/hooks", now=now)
    return made


def record(gateway: Gateway, *, events: int, now: datetime) -> None:
    """One after the other, as of one batch."""
    subject = "b" * 24
    with atomic():
        for sequence in range(1, events + 1):
            record_events(
                EventDraft(
                    gateway=gateway,
                    kind=EventType.ORDER_UPDATED,
                    subject=subject,
                    sequence=sequence,
                    payload={"batchId": subject},
                    now=now,
                )
            )
