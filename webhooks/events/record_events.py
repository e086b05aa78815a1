"""Records an event in the transaction of its change, so that neither exists without the other."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Max, QuerySet
from django.db.transaction import get_connection, on_commit

from gateway.database.compiled import compiled
from gateway.database.updating import insert_each
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue.enqueue import TaskName, enqueue_soon
from gateway.telemetry import metrics, request_id
from gateway.values.ids import new_object_id
from webhooks.events.event_types import EventType
from webhooks.models import Delivery, Endpoint, Event


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An event to record. The caller has locked the subject's row and increments `sequence` in it.

    `asked_by` is the id of the request that is being served when the draft is made.
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
    """Records an event and its deliveries. The caller has locked the subject's row and increments `sequence` in it."""
    record_each([EventDraft(gateway, kind, subject, sequence, payload, now)])


def record_each(drafts: Sequence[EventDraft]) -> None:
    """Like `record_event`, for many events in the same number of statements."""
    if not get_connection().in_atomic_block:
        raise RuntimeError("An event must be recorded inside the transaction of its change.")
    events = [_event(one) for one in drafts]
    insert_each(events, learn_keys=True)
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
    """Records one event for each subject (the keys of `payloads`) in a few statements.

    The caller has locked the subjects' rows; each sequence continues from the subject's last event. The deliveries are
    bulk, so that a million of them do not delay an order's events.
    """
    if not get_connection().in_atomic_block:
        raise RuntimeError("An event must be recorded inside the transaction of its change.")
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
    endpoints = [endpoint for endpoint in _listening(gateway=gateway.pk) if kind.value in endpoint.types]
    wall = clock.wall_at(gateway, now)
    Delivery.objects.bulk_create(
        Delivery(gateway=gateway, event=event, endpoint=endpoint, is_bulk=True, due_at=now, leased_until=wall)
        for event in events
        for endpoint in endpoints
    )


def _owners(payload: Mapping[str, Any]) -> dict[str, str]:
    """The payload's transaction and user as columns of the event (contract §6.1)."""
    return {
        "transaction_id": payload.get("transactionId") or "",
        "auth_id": payload.get("smallcaseAuthId") or "",
    }


def _last_sequences(gateway: Gateway, subjects: Collection[str]) -> dict[str, int]:
    rows = Event.objects.filter(gateway=gateway, subject__in=subjects).values("subject")
    return dict(rows.annotate(last=Max("sequence")).values_list("subject", "last"))


@compiled
def _listening(*, gateway: int) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(gateway=gateway, is_enabled=True)


def _owe(events: Sequence[Event]) -> None:
    listening = {pk: _listening(gateway=pk) for pk in {event.gateway_id for event in events}}
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
    insert_each(owed)
    if owed:
        enqueue_soon(TaskName.DELIVER)
