"""Rules for events: complete, numbered from 1, and the last event has the current status."""

from typing import Final

from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KT

from gateway.monitoring.invariant_checks import Rows, Rules, Scope
from transactions.domain.statuses import FINAL_BATCH, TransactionStatus
from transactions.models import Batch, Transaction
from webhooks.events.event_types import EventType
from webhooks.models import Event

ORDER_EVENTS: Final = (EventType.ORDER_PLACED, EventType.ORDER_UPDATED, EventType.ORDER_COMPLETED)
REPLAY: Final = "The partner does not know this state. Keep the rows and report it; the order details are correct."
INVARIANTS: Final = Rules()


def _events() -> QuerySet[Event]:
    return Event.objects.filter(gateway=OuterRef("gateway"), subject=OuterRef("batch_id"))


def _still_retained(scope: Scope, moment: str) -> Q:
    """The condition that a row's events, recorded at `moment` or later, have not been deleted by retention.

    Uses the gateway's clock and the oldest remaining event, because the clock may have been reset. The last
    action.pending is never deleted.
    """
    left = Event.objects.filter(gateway=OuterRef("gateway")).exclude(type=EventType.ACTION_PENDING).order_by("pk")
    return Q((f"{moment}__gte", scope.kept_since()), (f"{moment}__gte", Subquery(left.values("created_at")[:1])))


@INVARIANTS.rule(
    means="The events of a batch are numbered 1, 2, 3 … without gaps, up to the batch's sequence number.", remedy=REPLAY
)
def a_batchs_events_count_from_one(scope: Scope) -> Rows:
    by_batch = _events().order_by().values("subject")
    rows = scope.of(Batch.objects.all()).annotate(
        events=Subquery(by_batch.annotate(n=Count("pk")).values("n")),
        first=Subquery(by_batch.annotate(n=Min("sequence")).values("n")),
        last=Subquery(by_batch.annotate(n=Max("sequence")).values("n")),
    )
    counted = Q(first=1, last=F("sequence"), events=F("sequence"))
    found = rows.filter(~counted, _still_retained(scope, "placed_at"))
    return found.order_by("pk").values("batch_id", "status", "sequence", "events", "first", "last")


@INVARIANTS.rule(means="Every final batch has an order.completed event.", remedy=REPLAY)
def every_end_is_announced(scope: Scope) -> Rows:
    final = scope.of(Batch.objects.filter(status__in=sorted(FINAL_BATCH)))
    ends = _events().filter(type=EventType.ORDER_COMPLETED).order_by().values("subject").annotate(n=Count("pk"))
    rows = final.annotate(times=Subquery(ends.values("n"))).filter(
        _still_retained(scope, "placed_at"), times__isnull=True
    )
    return rows.order_by("pk").values("batch_id", "status", "sequence", "completed_at")


@INVARIANTS.rule(means="A batch's last order event has the batch's current status.", remedy=REPLAY)
def the_last_report_is_the_state(scope: Scope) -> Rows:
    last = _events().filter(type__in=ORDER_EVENTS).order_by("-sequence")
    rows = scope.of(Batch.objects.filter(placed_at__isnull=False)).annotate(
        announced=Subquery(last.annotate(announced=KT("payload__status")).values("announced")[:1])
    )
    found = rows.filter(announced__isnull=False).exclude(announced=F("status"))
    return found.order_by("pk").values("batch_id", "status", "announced", "sequence")


@INVARIANTS.rule(means="Every ERRORED transaction has a transaction.errored event.", remedy=REPLAY)
def every_failure_is_notified(scope: Scope) -> Rows:
    events = Event.objects.filter(
        gateway=OuterRef("gateway"), subject=OuterRef("transaction_id"), type=EventType.TRANSACTION_ERRORED
    )
    rows = scope.of(Transaction.objects.filter(status=TransactionStatus.ERRORED))
    found = rows.annotate(event=Subquery(events.values("pk")[:1])).filter(
        _still_retained(scope, "updated_at"), event__isnull=True
    )
    return found.order_by("pk").values("transaction_id", "error_code", "error_message", "updated_at")
