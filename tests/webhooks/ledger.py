"""Creates and reads events and their deliveries."""

from collections.abc import Sequence
from datetime import datetime

from django.db.transaction import atomic

from gateway.models import Gateway
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events
from webhooks.models import Delivery, Endpoint, Event

AUTH_ID = "5d8dc01c1446386d96c4832f"


def endpoint(gateway: Gateway, name: str = "hooks", *, types: Sequence[EventType] = tuple(EventType)) -> Endpoint:
    url = f"http://127.0.0.1:9/{name}"
    return add_endpoint(gateway=gateway, url=url, types=types, now=gateway.created_at).endpoint


def event(
    gateway: Gateway,
    now: datetime,
    *,
    kind: EventType = EventType.ORDER_UPDATED,
    sequence: int = 1,
    subject: str = "b" * 24,
    auth_id: str = AUTH_ID,
) -> Event:
    with atomic():
        record_events(
            EventDraft(
                gateway=gateway,
                kind=kind,
                subject=subject,
                sequence=sequence,
                payload={"batchId": subject, "status": "PLACED", "smallcaseAuthId": auth_id},
                now=now,
            )
        )
    return Event.objects.latest("pk")


def events(gateway: Gateway, now: datetime, how_many: int) -> list[Event]:
    """Of one batch, in sequence."""
    return [event(gateway, now, sequence=number) for number in range(1, how_many + 1)]


def settled(status: str, now: datetime) -> None:
    """All pending deliveries, in one statement."""
    Delivery.objects.update(status=status, due_at=None, finished_at=now, attempts=3, failures=2)


def owed() -> list[tuple[str, str]]:
    """Each delivery's event by its sequence and endpoint's last segment, if it is due."""
    rows = Delivery.objects.filter(status="DUE").order_by("event", "endpoint").select_related("event", "endpoint")
    return [(str(row.event.sequence), row.endpoint.url.rsplit("/", 1)[1]) for row in rows]
