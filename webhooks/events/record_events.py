"""An event, recorded in the transaction of its change: never of one rolled back, never lost."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Max
from django.db.transaction import get_connection, on_commit

from gateway.database.rows import insert_rows
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue.enqueue import TaskName, enqueue_soon
from gateway.telemetry import metrics, request_id
from gateway.values.ids import new_object_id
from webhooks import sql
from webhooks.events.event_types import EventType
from webhooks.models import Delivery, Event


@dataclass(frozen=True, slots=True)
class EventDraft:
    """What an event says. The caller holds the subject's row and counts `sequence` up in it.

    `asked_by` is the id of the request that is being served as this is made.
    """

    gateway: Gateway
    kind: EventType
    subject: str
    sequence: int
    payload: Mapping[str, Any]
    now: datetime
    asked_by: str = field(default_factory=request_id.current)


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
    record_each([EventDraft(gateway, kind, subject, sequence, payload, now)])


def record_each(drafts: Sequence[EventDraft]) -> None:
    """As `record_event`, in as many statements for many as for one."""
    if not get_connection().in_atomic_block:
        raise RuntimeError("An event is recorded inside the transaction of its change.")
    events = [_event(one) for one in drafts]
    insert_rows(events, learn_keys=True)
    for kind, number in Counter(one.kind.value for one in drafts).items():
        on_commit(partial(metrics.events_recorded, kind=kind, number=number), robust=True)
    _owe(events)


def _event(draft: EventDraft) -> Event:
    return Event(
        gateway=draft.gateway,
        key=f"evt_{new_object_id()}",
        type=draft.kind.value,
        subject=draft.subject,
        sequence=draft.sequence,
        payload=draft.payload,
        created_at=draft.now,
        request_id=draft.asked_by,
        **_owners(draft.payload),
    )


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
            request_id=request_id.current(),
            **_owners(payload),
        )
        for subject, payload in payloads.items()
    )
    on_commit(lambda: metrics.events_recorded(kind=kind.value, number=len(events)), robust=True)
    endpoints = [endpoint for endpoint in sql.listeners(gateway.pk) if kind.value in endpoint.types]
    wall = clock.wall_at(gateway, now)
    Delivery.objects.bulk_create(
        Delivery(gateway=gateway, event=event, endpoint=endpoint, is_bulk=True, due_at=now, leased_until=wall)
        for event in events
        for endpoint in endpoints
    )


def _owners(payload: Mapping[str, Any]) -> dict[str, str]:
    """Whose it is, in columns of their own, as every body on the wire tells it (contract §6.1)."""
    return {
        "transaction_id": payload.get("transactionId") or "",
        "auth_id": payload.get("smallcaseAuthId") or "",
    }


def _last_sequences(gateway: Gateway, subjects: Collection[str]) -> dict[str, int]:
    rows = Event.objects.filter(gateway=gateway, subject__in=subjects).values("subject")
    return dict(rows.annotate(last=Max("sequence")).values_list("subject", "last"))


def _owe(events: Sequence[Event]) -> None:
    listening = {pk: sql.listeners(pk) for pk in {event.gateway_id for event in events}}
    owed = [
        Delivery(
            gateway=event.gateway,
            event=event,
            endpoint=endpoint,
            due_at=event.created_at,
            leased_until=clock.wall_at(event.gateway, event.created_at),
        )
        for event in events
        for endpoint in listening[event.gateway_id]
        if event.type in endpoint.types
    ]
    insert_rows(owed)
    if owed:
        enqueue_soon(TaskName.DELIVER)
