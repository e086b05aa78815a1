"""An event, recorded in the transaction of the change it tells of: never of one rolled back, never lost."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet
from django.db.transaction import get_connection, on_commit

from gateway import clock, metrics, request_id
from gateway.compiled import compiled
from gateway.ids import new_object_id
from gateway.jobs import Job, nudge
from gateway.models import Gateway
from gateway.updating import insert_each
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
        **_owners(payload),
    )
    on_commit(lambda: metrics.events_recorded(kind=kind.value), robust=True)
    _owe(event, [endpoint for endpoint in _listening(gateway=gateway.pk) if kind.value in endpoint.types], now)


def record_events(
    *, gateway: Gateway, kind: EventType, payloads: Mapping[str, Mapping[str, Any]], now: datetime
) -> None:
    """An event for each subject, by which `payloads` are given, in a handful of statements.

    The caller holds the subjects' rows; each sequence counts on from the subject's last event. These deliveries are
    bulk: a million of them do not stand before an order's.
    """
    if not get_connection().in_atomic_block:
        raise RuntimeError("An event is recorded inside the transaction of its change.")
    last = _last_sequences(gateway, payloads)
    events = Event.objects.bulk_create(
        Event(
            gateway=gateway,
            key=f"evt_{new_object_id()}",
            type=kind.value,
            subject=subject,
            sequence=last.get(subject, 0) + 1,
            payload=payload,
            created_at=now,
            **_owners(payload),
        )
        for subject, payload in payloads.items()
    )
    on_commit(lambda: metrics.events_recorded(kind=kind.value, number=len(events)), robust=True)
    endpoints = [endpoint for endpoint in _listening(gateway=gateway.pk) if kind.value in endpoint.types]
    wall = clock.wall_at(gateway, now)
    Delivery.objects.bulk_create(
        Delivery(gateway=gateway, event=event, endpoint=endpoint, is_bulk=True, due_at=now, leased_until=wall)
        for event in events
        for endpoint in endpoints
    )


def _owners(payload: Mapping[str, Any]) -> dict[str, str]:
    """Whose it is, in columns of their own, as every body on the wire tells it (contract §6.1); what asked for it."""
    return {
        "request_id": request_id.current(),
        "transaction_id": payload.get("transactionId") or "",
        "auth_id": payload.get("smallcaseAuthId") or "",
    }


def _last_sequences(gateway: Gateway, subjects: Collection[str]) -> dict[str, int]:
    rows = Event.objects.filter(gateway=gateway, subject__in=subjects).values("subject")
    return dict(rows.annotate(last=Max("sequence")).values_list("subject", "last"))


@compiled
def _listening(*, gateway: int) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(gateway=gateway, is_enabled=True)


def _owe(event: Event, endpoints: list[Endpoint], now: datetime) -> None:
    wall = clock.wall_at(event.gateway, now)
    insert_each(
        [
            Delivery(gateway=event.gateway, event=event, endpoint=endpoint, due_at=now, leased_until=wall)
            for endpoint in endpoints
        ]
    )
    if endpoints:
        nudge(Job.DELIVER)
