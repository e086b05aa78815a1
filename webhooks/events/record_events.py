"""Records an event in the transaction of its change, so that neither exists without the other."""

from collections import Counter
from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """An event to record. The caller has locked the subject's row and increments `sequence` in it.

    `sequence` None continues from the subject's last event; only for one draft of each subject. `asked_by` is the id of
    the request that is being served when the draft is made.
    """

    gateway: Gateway
    kind: EventType
    subject: str
    payload: Mapping[str, Any]
    now: datetime
    sequence: int | None = None
    asked_by: str = field(default_factory=request_id.current)


def record_events(*drafts: EventDraft, is_bulk: bool = False) -> None:
    """Records events and their deliveries, in the same number of statements for many as for one.

    Bulk deliveries are sent after all others, so that a million of them do not delay an order's events.
    """
    if not get_connection().in_atomic_block:
        raise RuntimeError("An event must be recorded inside the transaction of its change.")
    events = _events(drafts)
    insert_rows(events, learn_keys=True)
    for kind, number in Counter(one.kind.value for one in drafts).items():
        on_commit(partial(metrics.events_recorded, kind=kind, number=number), robust=True)
    _owe(events, is_bulk=is_bulk)


def _events(drafts: Sequence[EventDraft]) -> list[Event]:
    last = _last_sequences([draft for draft in drafts if draft.sequence is None])
    return [
        Event(
            gateway=draft.gateway,
            key=f"evt_{new_object_id()}",
            type=draft.kind.value,
            subject=draft.subject,
            sequence=last.get((draft.gateway.pk, draft.subject), 0) + 1 if draft.sequence is None else draft.sequence,
            payload=draft.payload,
            created_at=draft.now,
            request_id=draft.asked_by,
            # The payload's transaction and user as columns of the event (contract §6.1).
            transaction_id=draft.payload.get("transactionId") or "",
            auth_id=draft.payload.get("smallcaseAuthId") or "",
        )
        for draft in drafts
    ]


def _last_sequences(drafts: Sequence[EventDraft]) -> dict[tuple[int, str], int]:
    """By gateway and subject; no query for no drafts."""
    gateways, subjects = {draft.gateway.pk for draft in drafts}, {draft.subject for draft in drafts}
    rows = Event.objects.filter(gateway__in=gateways, subject__in=subjects).values_list("gateway", "subject")
    return {(gateway, subject): last for gateway, subject, last in rows.annotate(Max("sequence"))}


def _owe(events: Sequence[Event], *, is_bulk: bool) -> None:
    listening = {pk: sql.listeners(pk) for pk in {event.gateway_id for event in events}}
    owed = [
        Delivery(
            gateway=event.gateway,
            event=event,
            endpoint=endpoint,
            is_bulk=is_bulk,
            due_at=event.created_at,
            leased_until=clock.wall_at(event.gateway, event.created_at),
        )
        for event in events
        for endpoint in listening[event.gateway_id]
        if event.type in endpoint.types
    ]
    insert_rows(owed)
    if owed and not is_bulk:
        enqueue_soon(TaskName.DELIVER)
