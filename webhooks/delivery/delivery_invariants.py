"""Invariants of events and deliveries: every subscribed endpoint gets each event, in order."""

from typing import Any, Final

from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    IntegerField,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat

from gateway.monitoring.invariant_checks import SWEEP, Rows, Rules, Scope
from webhooks.models import Attempt, Delivery, DeliveryStatus, Event, Replay

EVENT: Final = ("event__subject", "event__sequence", "event__type", "endpoint__url")
# Deliveries of so many later events are enough to see whether a delivery was created with its event.
NEIGHBOURS: Final = 1000
ACCEPTED: Final = Q(status_code__gte=200, status_code__lt=300)
INVARIANTS: Final = Rules()


def _offenders(rows: QuerySet[Any], *facts: str) -> Rows:
    found: Rows = rows.order_by("pk").values(*EVENT, *facts)
    return found


@INVARIANTS.rule(
    means="An enabled endpoint that got a subject's first events gets its later events of subscribed types.",
    remedy="If the endpoint was disabled in between, replay the missed events; otherwise report a bug.",
)
def no_listener_is_passed_over(scope: Scope) -> Rows:
    """The last delivery of a subject to an enabled endpoint before an event of a subscribed type without a delivery.

    Two facts show that the endpoint was enabled at that event: the delivery, unless a replay created it after later
    events, and an earlier delivery of the same type.
    """
    quoted = Concat(Value('"'), F("type"), Value('"'))
    later = Event.objects.filter(
        gateway=OuterRef("gateway"), subject=OuterRef("event__subject"), sequence__gt=OuterRef("event__sequence")
    ).annotate(quoted=quoted, heard=Cast(OuterRef("endpoint__types"), TextField()))
    owed = Delivery.objects.filter(endpoint=OuterRef(OuterRef("endpoint")))
    between = owed.filter(
        event__gateway=OuterRef("gateway"),
        event__subject=OuterRef("subject"),
        event__sequence__gt=OuterRef(OuterRef("event__sequence")),
        event__sequence__lte=OuterRef("sequence"),
    )
    of_this_type = owed.filter(event__type=OuterRef("type"), event__lt=OuterRef("pk"))
    before_us = Delivery.objects.filter(
        event__gte=OuterRef("pk"), event__lt=OuterRef("pk") + NEIGHBOURS, pk__lt=OuterRef(OuterRef("pk"))
    )
    # A CASE fixes the order of the tests: the last is the most expensive, and runs only for offenders.
    no = Value(False)
    is_missed = Case(
        When(Exists(between), then=no),
        When(~Exists(of_this_type), then=no),
        When(Exists(before_us), then=no),
        default=Value(True),
        output_field=BooleanField(),
    )
    missed = later.filter(heard__contains=F("quoted")).annotate(is_missed=is_missed).filter(is_missed=True)
    rows = scope.of(Delivery.objects.filter(endpoint__is_enabled=True))
    found = rows.annotate(missed=Subquery(missed.order_by("sequence").values("key")[:1]))
    return _offenders(found.filter(missed__isnull=False), "missed")


@INVARIANTS.rule(
    means="Each endpoint was first sent the events of a subject in the order of their sequence.",
    remedy="The partner may have stored an older state last. Ask them to obey x-gateway-sequence; report a bug.",
)
def events_are_sent_in_order(scope: Scope) -> Rows:
    """By the first attempts, among deliveries created in the order of their events. So a replay does not count, nor
    a delivery that was created long after its event."""
    first = Attempt.objects.filter(delivery=OuterRef("pk")).order_by().values("delivery").annotate(pk_=Min("pk"))
    tried = Subquery(first.values("pk_"), output_field=IntegerField())
    rows = scope.of(Delivery.objects.all()).annotate(tried=tried).filter(tried__isnull=False)
    before = Delivery.objects.filter(
        endpoint=OuterRef("endpoint"),
        event__gateway=OuterRef("gateway"),
        event__subject=OuterRef("event__subject"),
        event__sequence__lt=OuterRef("event__sequence"),
        pk__lt=OuterRef("pk"),
    )
    never_tried = Q(tried__isnull=True) & ~Q(status=DeliveryStatus.GIVEN_UP)
    late = before.annotate(tried=tried).filter(never_tried | Q(tried__gt=OuterRef("tried")))
    found = rows.filter(event__sequence__gt=1).annotate(before=Subquery(late.values("event__sequence")[:1]))
    return _offenders(found.filter(before__isnull=False), "before")


def _in_turn() -> QuerySet[Delivery]:
    """Due deliveries to enabled endpoints, without a pending predecessor of the same subject."""
    due = Delivery.objects.filter(status=DeliveryStatus.DUE)
    before = due.filter(
        endpoint=OuterRef("endpoint"),
        event__gateway=OuterRef("gateway"),
        event__subject=OuterRef("event__subject"),
        event__sequence__lt=OuterRef("event__sequence"),
    )
    return due.filter(~Exists(before), endpoint__is_enabled=True)


@INVARIANTS.rule(
    means="Each delivery marked as delivered was answered with a 2xx at least once.",
    remedy="Replay these events: the partner may not have received them.",
)
def delivered_means_answered(scope: Scope) -> Rows:
    accepted = Attempt.objects.filter(ACCEPTED, delivery=OuterRef("pk"))
    rows = scope.of(Delivery.objects.filter(status=DeliveryStatus.DELIVERED)).filter(~Exists(accepted))
    return _offenders(rows, "finished_at", "attempts")


@INVARIANTS.rule(
    means="A delivery, its event and its endpoint belong to the same gateway.",
    remedy="A partner may have received another partner's events. Disable the endpoint and find who wrote the row.",
)
def an_event_goes_to_its_own_gateway(scope: Scope) -> Rows:
    wrong = ~Q(event__gateway=F("gateway")) | ~Q(endpoint__gateway=F("gateway"))
    rows = scope.of(Delivery.objects.all()).filter(wrong)
    return _offenders(rows, "gateway__name", "event__gateway__name", "endpoint__gateway__name")


INVARIANTS.stuck(_in_turn, *EVENT, what="delivery", remedy=SWEEP.replace("a worker", "a webhook worker"))
INVARIANTS.leased_for_ever(Delivery.objects.all, *EVENT, what="delivery")
INVARIANTS.stuck(Replay.objects.all, "key", "gateway__name", what="replay")
INVARIANTS.leased_for_ever(Replay.objects.all, "key", "gateway__name", what="replay")


@INVARIANTS.rule(
    means="No delivery to an enabled endpoint is pending.",
    remedy="Wait for the retries (or advance the test gateway's clock); read the attempts of those that remain.",
    at_rest=True,
)
def every_event_is_delivered_or_given_up(scope: Scope) -> Rows:
    rows = scope.of(Delivery.objects.filter(status=DeliveryStatus.DUE, endpoint__is_enabled=True))
    return _offenders(rows, "due_at", "failures")


@INVARIANTS.rule(
    means="No replay is pending.",
    remedy=SWEEP,
    at_rest=True,
)
def every_replay_is_done(scope: Scope) -> Rows:
    rows = scope.of(Replay.objects.filter(due_at__isnull=False))
    return rows.order_by("pk").values("key", "gateway__name", "replayed", "due_at")
