"""Queries for events, replays and endpoints of one gateway. Another gateway's rows are reported as unknown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.fernet import InvalidToken
from django.db.models import Count, Prefetch, Q, QuerySet

from gateway.database.encryption import decrypt, encrypt
from gateway.database.lookups import first_or_not_found
from gateway.models import Gateway
from gateway.values.errors import Invalid, NotFound
from gateway.values.ids import is_object_id, is_transaction_id
from webhooks.events.event_types import EventType
from webhooks.models import Attempt, Delivery, DeliveryStatus, Endpoint, Event, Replay

TRIES_SHOWN: Final = 20
_NAMED_AT_MOST: Final = 5  # missing ids in an error

_ALIKE: Final = 20


@dataclass(frozen=True, slots=True)
class RequestedEvents:
    """A page and its filters. `before` is the last row of the previous page."""

    transaction_id: str = ""
    kind: EventType | None = None
    status: DeliveryStatus | None = None
    before: int | None = None
    count: int = 20


@dataclass(frozen=True, slots=True)
class EventsPage:
    """`cursor` leads to older events; None on the last page."""

    events: Sequence[Event]
    cursor: str | None


def events_page(gateway: Gateway, wanted: RequestedEvents, *, auth_id: str = "") -> EventsPage:
    """Newest first, each with its deliveries and their newest attempts: three statements for any page.

    Pages are cut by row, not by offset, so that new events do not move them.
    """
    found = list(_newest(gateway, wanted, auth_id).prefetch_related(*_WITH_TRIES))
    page = found[: wanted.count]
    return EventsPage(page, encrypt(str(page[-1].pk)) if len(found) > len(page) else None)


def row_of(cursor: str) -> int:
    """Decrypts a cursor: in plain text it would show how many events all gateways have."""
    try:
        return int(decrypt(cursor))
    except (InvalidToken, ValueError):
        raise Invalid("cursor: must be the nextCursor of an earlier response.") from None


def events_named(gateway: Gateway, keys: Sequence[str], *, auth_id: str = "") -> list[Event]:
    """In the order of recording. NotFound lists which of several ids are missing, counted from 1."""
    found = list(_own(gateway, auth_id).filter(key__in=keys).order_by("pk"))
    there = {event.key for event in found}
    missing = [str(number) for number, key in enumerate(keys, 1) if key not in there]
    if missing:
        which = f": {', '.join(missing[:_NAMED_AT_MOST])} of {len(keys)}" if len(keys) > 1 else ""
        raise NotFound(f"There is no event with this id{which}.")
    return found


def ids_about(gateway: Gateway, body: bytes) -> list[str]:
    """The ids of the newest events about the same batch, investment or transaction as a captured body."""
    try:
        event = json.loads(body)
        named = [str(event.get(name)) for name in ("batchId", "iscid", "transactionId")]
    except (ValueError, AttributeError, RecursionError):
        return []
    about = Q(subject__in=filter(is_object_id, named)) | Q(transaction_id__in=filter(is_transaction_id, named))
    return list(_own(gateway, "").filter(about).order_by("-pk").values_list("key", flat=True)[:_ALIKE])


def replay_of(gateway: Gateway, key: str, *, auth_id: str = "") -> Replay:
    replays = Replay.objects.select_related("endpoint").filter(gateway=gateway, key=key)
    own = replays.filter(auth_id=auth_id) if auth_id else replays
    return first_or_not_found(own, "There is no replay with this key.")


def endpoints_of(gateway: Gateway) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(gateway=gateway).order_by("pk")


def endpoint_of(gateway: Gateway, public_id: str) -> Endpoint:
    rows = Endpoint.objects.select_related("gateway").filter(gateway=gateway, public_id=public_id)
    return first_or_not_found(rows, "There is no webhook endpoint with this id.")


def _own(gateway: Gateway, auth_id: str) -> QuerySet[Event]:
    events = Event.objects.filter(gateway=gateway)
    return events.filter(auth_id=auth_id) if auth_id else events


def _newest(gateway: Gateway, wanted: RequestedEvents, auth_id: str) -> QuerySet[Event]:
    """One event more than the page shows, to know whether there is another page.

    A filter by status starts from the deliveries, which are indexed by status. If it started from the events,
    PostgreSQL would read a gateway's events until enough have that status, and possibly all of them.
    """
    narrowed, count = _narrowed(wanted, auth_id), wanted.count + 1
    if not wanted.status:
        return Event.objects.filter(gateway=gateway, **narrowed).order_by("-pk")[:count]
    of_event = {f"event__{column}": value for column, value in narrowed.items()}
    stand_so = Delivery.objects.filter(gateway=gateway, status=wanted.status.value, **of_event)
    if wanted.status is DeliveryStatus.DUE:
        stand_so = stand_so.filter(due_at__isnull=False)  # the condition of the partial index
    newest = stand_so.order_by("-event_id").values("event_id").distinct()[:count]
    return Event.objects.filter(pk__in=newest).order_by("-pk")


def _narrowed(wanted: RequestedEvents, auth_id: str) -> dict[str, Any]:
    """Conditions on the event's columns. Filters that were not given are left out, because some cost a join."""
    kind = wanted.kind.value if wanted.kind else None
    asked = {"transaction_id": wanted.transaction_id, "auth_id": auth_id, "type": kind, "pk__lt": wanted.before}
    return {column: value for column, value in asked.items() if value}


_WITH_TRIES: Final = (
    Prefetch(
        "deliveries",
        Delivery.objects.select_related("endpoint").annotate(tried=Count("tries")).order_by("pk"),
    ),
    Prefetch("deliveries__tries", Attempt.objects.order_by("-pk")[:TRIES_SHOWN], to_attr="newest_tries"),
)
