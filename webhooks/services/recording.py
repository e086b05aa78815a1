"""An event, recorded in the transaction of the change it tells of: never of one rolled back, never lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.transaction import get_connection

from gateway import clock, work
from gateway.ids import new_object_id
from gateway.jobs import Job, ring
from gateway.models import Gateway
from webhooks.events import EventType
from webhooks.models import Delivery, Endpoint, Event


def record_event(
    *,
    gateway: Gateway,
    kind: EventType,
    subject: str,
    sequence: int,
    payload: Mapping[str, Any],
    now: datetime,
) -> None:
    """What the gateway's endpoints are owed. The caller holds the subject's row and counts `sequence` up in it."""
    if not get_connection().in_atomic_block:
        raise RuntimeError("An event is recorded inside the transaction of its change.")
    event = Event.objects.create(
        gateway=gateway,
        key=f"evt_{new_object_id()}",
        type=kind.value,
        subject=subject,
        sequence=sequence,
        payload=payload,
        created_at=now,
    )
    _owe(event, [endpoint for endpoint in _listening(gateway) if kind.value in endpoint.types], now)


def _listening(gateway: Gateway) -> list[Endpoint]:
    return list(Endpoint.objects.filter(gateway=gateway, is_enabled=True))


def _owe(event: Event, endpoints: list[Endpoint], now: datetime) -> None:
    offered = work.first_offer(clock.wall_at(event.gateway, now))
    owed = Delivery.objects.bulk_create(
        Delivery(gateway=event.gateway, event=event, endpoint=endpoint, due_at=now, leased_until=offered)
        for endpoint in endpoints
    )
    for delivery in owed:
        ring(Job.DELIVER, row=delivery.pk, attempt=0)
