"""Records a test event, which is delivered like any other, so that a partner can test its receiver."""

from datetime import datetime

from django.db.transaction import atomic

from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import Conflict
from gateway.values.ids import new_object_id
from webhooks.events.event_examples import sample
from webhooks.events.event_types import SAMPLE, EventType
from webhooks.events.replay import NobodyListens
from webhooks.models import Delivery, Endpoint, Event


class EndpointDisabled(Conflict):
    """A disabled endpoint gets no events, not even a test."""


def send_sample(
    *, gateway: Gateway, kind: EventType, endpoint: Endpoint | None = None, marked: bool, now: datetime
) -> Event:
    """Sends to `endpoint`, or to all that subscribe to the type. `marked` puts `"test": true` into the body.

    The event has its own subject, so that it neither waits for an order's events nor counts among them.
    """
    heard_by = _subscribed(gateway, kind) if endpoint is None else [_enabled(endpoint)]
    payload = sample(kind, now=now)
    with atomic(durable=True):
        event = Event.objects.create(
            gateway=gateway,
            key=f"evt_{new_object_id()}",
            type=kind.value,
            subject=f"{SAMPLE}{new_object_id()}",
            sequence=1,
            payload=payload | ({"test": True} if marked else {}),
            transaction_id=payload.get("transactionId", ""),
            auth_id=payload["smallcaseAuthId"],
            created_at=now,
        )
        Delivery.objects.bulk_create(
            Delivery(gateway=gateway, event=event, endpoint=one, due_at=now, leased_until=clock.wall_at(gateway, now))
            for one in heard_by
        )
    return event


def _subscribed(gateway: Gateway, kind: EventType) -> list[Endpoint]:
    enabled = Endpoint.objects.filter(gateway=gateway, is_enabled=True)
    subscribed = [one for one in enabled if kind.value in one.types]
    if not subscribed:
        raise NobodyListens
    return subscribed


def _enabled(endpoint: Endpoint) -> Endpoint:
    if not endpoint.is_enabled:
        raise EndpointDisabled("This endpoint is disabled; enable it first.")
    return endpoint
