"""Sends events again: selected events, or all since a time. Each wake-up message does one chunk in one transaction.

A replay makes deliveries due again. They keep their webhook-id; each attempt adds a new timestamp, a new checksum and
signatures by the current secrets. A delivery that is due already is not changed, so asking twice sends once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, F, Max, Min, Q, QuerySet, Value, When
from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import leases
from gateway.queue.enqueue import TaskName, enqueue
from gateway.values.errors import Conflict, Invalid
from gateway.values.ids import new_object_id
from webhooks.delivery.endpoints import enable, named
from webhooks.events.event_types import SAMPLE, EventType
from webhooks.events.selectors import events_named
from webhooks.models import Delivery, DeliveryStatus, Endpoint, Event, Replay

CHUNK: Final = 2000  # deliveries
MOST_RUNNING: Final = 5
MOST_AT_ONCE: Final = 1000  # deliveries, by an operator's choice
# Longer than any change that records an event takes: after it, all events that saw the endpoint disabled are visible.
SETTLING: Final = timedelta(seconds=5)


class NobodyListens(Conflict):
    """No enabled endpoint subscribes to the events."""

    def __init__(self) -> None:
        super().__init__("No enabled endpoint of this gateway subscribes to this event type.")


class AlreadyReplaying(Conflict):
    """The same replay is running, or the gateway has as many running replays as it may have."""


class NothingMissed(Conflict):
    """The endpoint is neither failing nor disabled."""


@dataclass(frozen=True, slots=True)
class Span:
    """Times by the gateway's clock, `until` excluded. `only_missed` skips deliveries that succeeded."""

    since: datetime
    until: datetime | None = None
    kind: EventType | None = None
    only_missed: bool = False


def replay_events(*, gateway: Gateway, keys: Sequence[str], auth_id: str = "", now: datetime) -> int:
    """Makes the events due again, all or none (NotFound). `auth_id` restricts them to one user's. Returns how many."""
    events = events_named(gateway, keys, auth_id=auth_id)
    with atomic(durable=True):
        owed = _send_again(events, list(Endpoint.objects.filter(gateway=gateway, is_enabled=True)), now=now)
    if events and not owed:
        raise NobodyListens
    return owed


def send_again(*, deliveries: QuerySet[Delivery], by: Actor | None = None) -> int:
    """Makes the deliveries due now by each gateway's clock, except to disabled endpoints. Returns how many."""
    chosen = list(deliveries.filter(endpoint__is_enabled=True).values_list("pk", "gateway")[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        raise Invalid(f"At most {MOST_AT_ONCE} deliveries can be sent again at once; start a replay for more.")
    with atomic(durable=True):
        for gateway in Gateway.objects.filter(pk__in={gateway for _, gateway in chosen}):
            own = [pk for pk, of in chosen if of == gateway.pk]
            _make_due(_locked(Delivery.objects.filter(pk__in=own)), clock.now(gateway))
        if by:
            by.record(
                "send webhooks again", f"{len(chosen)} deliveries", after={"deliveries": [pk for pk, _ in chosen]}
            )
    return len(chosen)


def start_replay(*, gateway: Gateway, span: Span, auth_id: str = "", now: datetime) -> Replay:
    """Starts a replay to every endpoint of the gateway that is enabled when its chunk runs."""
    with atomic(durable=True):
        replay = _begin(gateway, span, endpoint=None, auth_id=auth_id, now=now)
        replay.leased_until = leases.redispatch_at(clock.wall())
        replay.save(force_insert=True)
        enqueue(TaskName.REPLAY, row=replay.pk, attempt=replay.attempts)
    return replay


def recover(*, endpoint: Endpoint, since: datetime | None = None, now: datetime, by: Actor | None = None) -> Replay:
    """Enables the endpoint and replays events missed since `since`, by default since it began to fail or was disabled.

    Sends no wake-up message: a change that saw the endpoint disabled may not have committed its event yet.
    """
    began = since or endpoint.failing_since or endpoint.disabled_at
    if began is None:
        raise NothingMissed(f"{endpoint} is neither failing nor disabled; give the time since when it missed events.")
    with atomic(durable=True):
        span = Span(since=_oldest_missed(endpoint, began), only_missed=True)
        enable(endpoint)
        replay = _begin(endpoint.gateway, span, endpoint=endpoint, auth_id="", now=now)
        replay.leased_until = clock.wall() + SETTLING
        replay.save(force_insert=True)
        if by:
            before = {"enabled": endpoint.is_enabled, "failures": endpoint.failures}
            after = {"enabled": True, "replay": replay.key, "since": span.since}
            by.record("enable endpoint and recover", named(endpoint), before=before, after=after)
    return replay


def replays() -> QuerySet[Replay]:
    return Replay.objects.all()


def replay(*, row: int, attempt: int) -> None:
    """Replays the next chunk and enqueues the one after it. Twice is safe: each message is worth one lease."""
    if not leases.acquire(replays(), row=row, attempt=attempt):
        return
    found = Replay.objects.select_related("gateway", "endpoint").filter(pk=row).first()
    if found is not None:
        with atomic(durable=True):
            _replay_chunk(found, clock.now(found.gateway))


def _begin(gateway: Gateway, span: Span, *, endpoint: Endpoint | None, auth_id: str, now: datetime) -> Replay:
    """Locks the gateway's row, so that two simultaneous requests for the same replay see each other."""
    Gateway.objects.select_for_update(no_key=True).get(pk=gateway.pk)
    wanted = Replay(
        gateway=gateway,
        endpoint=endpoint,
        key=f"rpl_{new_object_id()}",
        since=span.since,
        until=span.until,
        type=span.kind.value if span.kind else "",
        auth_id=auth_id,
        only_missed=span.only_missed,
        due_at=now,
        created_at=now,
    )
    running = list(Replay.objects.filter(gateway=gateway, due_at__isnull=False))
    for twin in running:
        if _is_same(twin, wanted):
            raise AlreadyReplaying(f"The replay {twin.key} of the same events is running.")
    if len(running) >= MOST_RUNNING:
        raise AlreadyReplaying(f"{len(running)} replays are running; wait until {running[0].key} is complete.")
    return wanted


def _is_same(one: Replay, other: Replay) -> bool:
    """Two replays of one endpoint always count as the same, because both send its missed events."""
    if one.endpoint_id is not None and one.endpoint_id == other.endpoint_id:
        return True
    names = ("endpoint_id", "since", "until", "type", "auth_id", "only_missed")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _oldest_missed(endpoint: Endpoint, began: datetime) -> datetime:
    """When the oldest missed event was recorded: deliveries given up since `began` or still due may be older."""
    missed = endpoint.deliveries.filter(Q(status=DeliveryStatus.GIVEN_UP, finished_at__gte=began) | Q(status="DUE"))
    oldest = missed.aggregate(oldest=Min("event__created_at"))["oldest"]
    return min(began, oldest or began)


def _replay_chunk(replay: Replay, now: datetime) -> None:
    """Writes progress and deliveries, or neither. Writes nothing if another worker has leased the row."""
    if not replay.last_event:
        _set_bounds(replay)
    endpoints = _listening(replay)
    size = max(1, CHUNK // max(1, len(endpoints)))
    events = list(_events_of(replay)[:size])
    if not _hold(replay):
        return
    owed = _send_again(events, endpoints, now=now, is_bulk=True, only_missed=replay.only_missed)
    _progress(replay, events, owed, is_last=len(events) < size)


def _set_bounds(replay: Replay) -> None:
    """Sets the first and last event when the first chunk runs: later events are delivered without a replay."""
    ends = _recorded_in(replay).aggregate(first=Min("pk"), last=Max("pk"))
    replay.replayed_up_to, replay.last_event = (ends["first"] or 1) - 1, ends["last"] or 0


def _recorded_in(replay: Replay) -> QuerySet[Event]:
    events = Event.objects.filter(gateway=replay.gateway, created_at__gte=replay.since)
    return events.filter(created_at__lt=replay.until) if replay.until else events


def _events_of(replay: Replay) -> QuerySet[Event]:
    events = _recorded_in(replay).filter(pk__gt=replay.replayed_up_to, pk__lte=replay.last_event)
    narrowed = {name: getattr(replay, name) for name in ("type", "auth_id") if getattr(replay, name)}
    return events.filter(**narrowed).order_by("pk").only("pk", "gateway_id", "type", "subject")


def _hold(replay: Replay) -> bool:
    """Whether the fencing token is current; locks the row until the chunk is written."""
    return leases.mine(Replay.objects.all(), replay).update(leased_until=F("leased_until")) == 1


def _progress(replay: Replay, events: Sequence[Event], owed: int, *, is_last: bool) -> None:
    done = {"due_at": None} if is_last else {}
    leases.mine(Replay.objects.all(), replay).update(
        replayed_up_to=events[-1].pk if events else replay.replayed_up_to,
        last_event=replay.last_event,
        replayed=F("replayed") + owed,
        leased_until=clock.wall() if is_last else leases.redispatch_at(clock.wall()),
        **done,
    )
    if not is_last:
        enqueue(TaskName.REPLAY, row=replay.pk, attempt=replay.attempts)


def _listening(replay: Replay) -> list[Endpoint]:
    """The endpoints that are enabled now; an endpoint that is disabled during a replay gets no more events."""
    enabled = Endpoint.objects.filter(gateway=replay.gateway, is_enabled=True)
    return list(enabled if replay.endpoint_id is None else enabled.filter(pk=replay.endpoint_id))


def _send_again(
    events: Sequence[Event],
    endpoints: Sequence[Endpoint],
    *,
    now: datetime,
    is_bulk: bool = False,
    only_missed: bool = False,
) -> int:
    """Makes deliveries due again, and creates those that a subscribed endpoint lacks. Returns how many events are due.

    Runs inside the caller's transaction. Locks rows in the order of their keys.
    """
    known = _locked(Delivery.objects.filter(event__in=events, endpoint__in=endpoints))
    wanted = [row for row in known if not (only_missed and row.status == DeliveryStatus.DELIVERED)]
    _make_due(wanted, now, is_bulk=is_bulk)
    missing = _missing(events, endpoints, {(row.event_id, row.endpoint_id) for row in known})
    owed_now = {"is_bulk": is_bulk, "due_at": now, "leased_until": clock.wall()}
    Delivery.objects.bulk_create(
        [
            Delivery(gateway_id=event.gateway_id, event=event, endpoint=endpoint, **owed_now)
            for event, endpoint in missing
        ],
        ignore_conflicts=True,
    )
    return len({row.event_id for row in wanted} | {event.pk for event, _ in missing})


def _locked(deliveries: QuerySet[Delivery]) -> list[Delivery]:
    rows = deliveries.select_for_update(of=("self",)).order_by("pk")
    return list(rows.only("pk", "event_id", "endpoint_id", "status", "due_at"))


def _make_due(deliveries: Sequence[Delivery], now: datetime, *, is_bulk: bool = False) -> None:
    """Skips deliveries that are due already. A delivery that waits for its next attempt keeps its `is_bulk`.

    The fencing token changes, so that a worker that is sending the delivery records nothing.
    """
    later = [row.pk for row in deliveries if row.due_at is None or row.due_at > now]
    Delivery.objects.filter(pk__in=later).update(
        is_bulk=Case(When(status=DeliveryStatus.DUE, then=F("is_bulk")), default=Value(is_bulk)),
        status=DeliveryStatus.DUE.value,
        due_at=now,
        leased_until=clock.wall(),
        failures=0,
        finished_at=None,
        attempts=F("attempts") + 1,
    )


def _missing(
    events: Sequence[Event], endpoints: Sequence[Endpoint], known: Collection[tuple[int, int]]
) -> list[tuple[Event, Endpoint]]:
    """Endpoints that subscribe to the type today but lack the event. A test event goes only where it was sent first."""
    return [
        (event, endpoint)
        for event in events
        for endpoint in endpoints
        if event.type in endpoint.types
        and not event.subject.startswith(SAMPLE)
        and (event.pk, endpoint.pk) not in known
    ]
