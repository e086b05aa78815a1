"""Events sent again: some by name, or all since a time, a chunk per wake-up message, each one transaction.

What is made due again is a delivery like any other: the same webhook-id, while the attempt brings a fresh timestamp,
a fresh checksum and the secrets of the day. What is due anyhow is left as it is, so that a wish said twice sends once.
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
# Longer than a chunk takes: a lease that lapsed means a worker that died.
LEASE: Final = timedelta(seconds=60)
# Longer than a change that records an event takes: by then all that still saw the endpoint disabled are in the table.
SETTLING: Final = timedelta(seconds=5)


class NobodyListens(Conflict):
    """No endpoint is owed this."""

    def __init__(self) -> None:
        super().__init__("No enabled endpoint of this gateway hears events of this type.")


class AlreadyReplaying(Conflict):
    """The same is under way, or as much as one gateway may ask for at once."""


class NothingMissed(Conflict):
    """An endpoint that neither fails nor is disabled."""


@dataclass(frozen=True, slots=True)
class Span:
    """By the gateway's clock, `until` excluded. `only_missed` leaves alone what was delivered."""

    since: datetime
    until: datetime | None = None
    kind: EventType | None = None
    only_missed: bool = False


def replay_events(*, gateway: Gateway, keys: Sequence[str], auth_id: str = "", now: datetime) -> int:
    """How many events are now owed (again); all that are named, or a refusal. `auth_id` narrows to one user's."""
    events = events_named(gateway, keys, auth_id=auth_id)
    with atomic(durable=True):
        owed = _send_again(events, list(Endpoint.objects.filter(gateway=gateway, is_enabled=True)), now=now)
    if events and not owed:
        raise NobodyListens
    return owed


def send_again(*, deliveries: QuerySet[Delivery], by: Actor | None = None) -> int:
    """How many are owed (again), each by its own gateway's clock; none to a disabled endpoint."""
    chosen = list(deliveries.filter(endpoint__is_enabled=True).values_list("pk", "gateway")[: MOST_AT_ONCE + 1])
    if len(chosen) > MOST_AT_ONCE:
        raise Invalid(f"At most {MOST_AT_ONCE} deliveries are sent again at once; a replay since a time takes more.")
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
    """To every endpoint of the gateway that is enabled when its turn comes."""
    with atomic(durable=True):
        replay = _begin(gateway, span, endpoint=None, auth_id=auth_id, now=now)
        replay.leased_until = leases.redispatch_at(clock.wall())
        replay.save(force_insert=True)
        enqueue(TaskName.REPLAY, row=replay.pk, attempt=replay.attempts)
    return replay


def recover(*, endpoint: Endpoint, since: datetime | None = None, now: datetime, by: Actor | None = None) -> Replay:
    """Enabled, and owed what it has missed since it began to fail, or since it was disabled, unless `since` is given.

    No wake-up message: a change that was under way meanwhile may have seen the endpoint disabled, and is waited for.
    """
    began = since or endpoint.failing_since or endpoint.disabled_at
    if began is None:
        raise NothingMissed(f"{endpoint} neither fails nor is disabled; say since when it has missed events.")
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
    """The next chunk, and a message for the one after it. Twice replays once: the message is worth one lease."""
    if not leases.acquire(replays, row=row, attempt=attempt, lease=LEASE):
        return
    found = Replay.objects.select_related("gateway", "endpoint").filter(pk=row).first()
    if found is not None:
        with atomic(durable=True):
            _replay_chunk(found, clock.now(found.gateway))


def _begin(gateway: Gateway, span: Span, *, endpoint: Endpoint | None, auth_id: str, now: datetime) -> Replay:
    """The gateway's row is locked, so that two who ask for the same see each other."""
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
            raise AlreadyReplaying(f"The replay {twin.key} of the same events is under way.")
    if len(running) >= MOST_RUNNING:
        raise AlreadyReplaying(f"{len(running)} replays are under way; wait for {running[0].key} to be done.")
    return wanted


def _is_same(one: Replay, other: Replay) -> bool:
    """Of one endpoint, any two: what it has missed is missed once."""
    if one.endpoint_id is not None and one.endpoint_id == other.endpoint_id:
        return True
    names = ("endpoint_id", "since", "until", "type", "auth_id", "only_missed")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _oldest_missed(endpoint: Endpoint, began: datetime) -> datetime:
    """What was given up since `began`, or is owed still, was recorded before that."""
    missed = endpoint.deliveries.filter(Q(status=DeliveryStatus.GIVEN_UP, finished_at__gte=began) | Q(status="DUE"))
    oldest = missed.aggregate(oldest=Min("event__created_at"))["oldest"]
    return min(began, oldest or began)


def _replay_chunk(replay: Replay, now: datetime) -> None:
    """Progress and deliveries, or neither; nothing, when another worker has the row by now."""
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
    """Where it begins and ends. Not sooner: what is recorded from now on is owed without a replay."""
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
    """Whether the fencing token is current; the row stays locked until the chunk is written."""
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
    """As it is now: one that was disabled in the middle is owed no more."""
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
    """Due again, or for the first time where an endpoint that hears the type was owed nothing. How many events are.

    Inside the caller's transaction. Rows are locked in the order of their keys, as wherever several are.
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
    """But for deliveries that are due anyhow. One that waits for its next attempt stays ordinary or bulk.

    The fencing token changes, so that a worker which is sending it records nothing.
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
    """Who hears the type today. A sample is for whom it was sent to: nobody else is to take it for an order."""
    return [
        (event, endpoint)
        for event in events
        for endpoint in endpoints
        if event.type in endpoint.types
        and not event.subject.startswith(SAMPLE)
        and (event.pk, endpoint.pk) not in known
    ]
