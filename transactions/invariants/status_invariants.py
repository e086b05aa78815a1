"""Rules for statuses of transactions, batches and orders, and for stuck work."""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from gateway.monitoring.invariant_checks import SWEEP, Rows, Rules, Scope
from transactions.domain.intents import CANCELLATIONS, Intent
from transactions.domain.smallcase_order import OrderKind
from transactions.domain.statuses import (
    FINAL_BATCH,
    OPEN_BATCH,
    UNFINISHED_BATCH,
    BatchStatus,
    OrderStatus,
    TransactionStatus,
)
from transactions.models import Batch, Order, Transaction
from transactions.queries.broker_outages import reachable

OPEN: Final = sorted(OPEN_BATCH | {BatchStatus.QUEUED})
# Clocks of different machines differ a little.
CLOCKS: Final = timedelta(minutes=1)
BUG: Final = "The rows contradict each other, which no code path allows: keep the rows, and report it."

WAIT: Final = (
    "Wait for the broker (an AMO or a limit order may be open for hours), or advance the test gateway's clock."
)
INVARIANTS: Final = Rules()


def with_aggregate_status(batches: QuerySet[Batch]) -> QuerySet[Any]:
    """Annotates `fold`: transactions.domain.statuses.batch_status in SQL."""

    def count(*statuses: OrderStatus) -> Count:
        return Count("orders", filter=Q(orders__status__in=statuses))

    counted = batches.annotate(
        orders_=Count("orders"),
        queued=count(OrderStatus.QUEUED),
        placed=count(OrderStatus.PLACED),
        lost=count(OrderStatus.ERROR),
        unplaced=count(OrderStatus.UNPLACED),
        complete=count(OrderStatus.COMPLETE),
        by_user=count(OrderStatus.CANCELLED_AMO),
        filled=Coalesce(Sum("orders__filled_quantity"), 0),
    )
    cases = (
        (Q(queued__gt=0, queued=F("orders_") - F("unplaced")), BatchStatus.QUEUED),
        (Q(queued__gt=0), BatchStatus.PARTIALLYPLACED),
        (Q(placed__gt=0, unplaced=0), BatchStatus.PLACED),
        (Q(placed__gt=0), BatchStatus.PARTIALLYPLACED),
        (Q(lost__gt=0), BatchStatus.ERROR),
        (Q(unplaced=F("orders_")), BatchStatus.UNPLACED),
        (Q(complete=F("orders_")), BatchStatus.COMPLETED),
        (Q(filled__gt=0), BatchStatus.PARTIALLYFILLED),
        (Q(by_user=F("orders_") - F("unplaced")), BatchStatus.CANCELLED),
    )
    whens = [When(holds, then=Value(status.value)) for holds, status in cases]
    return counted.annotate(fold=Case(*whens, default=Value(BatchStatus.UNFILLED.value), output_field=CharField()))


@INVARIANTS.rule(
    means="A batch's status is the aggregate of its orders' statuses and fills (contract §4).",
    remedy=f"{BUG} The orders are the facts; the batch's status is derived from them.",
)
def a_batch_aggregates_its_orders(scope: Scope) -> Rows:
    marked = Q(status=BatchStatus.MARKEDCOMPLETE, fold__in=sorted(UNFINISHED_BATCH))
    sending = Q(status=BatchStatus.QUEUED, queued__gt=0)  # shown once the run of its placement has ended
    rows = with_aggregate_status(scope.of(Batch.objects.all())).filter(~Q(status=F("fold")) & ~marked & ~sending)
    return rows.order_by("pk").values("batch_id", "status", "fold")


@INVARIANTS.rule(
    means="PROCESSING transactions have an open batch, COMPLETED ones a final batch, others none; only ERRORED has "
    "a code.",
    remedy=BUG,
)
def transaction_and_batch_agree(scope: Scope) -> Rows:
    """Transactions whose status does not fit their batch."""
    status = Q(status__in=[TransactionStatus.PROCESSING, TransactionStatus.COMPLETED])
    has_batch = Q(batch__isnull=False)
    ordering = Q(intent=Intent.TRANSACTION)
    adopted = Q(status=TransactionStatus.COMPLETED, order_config__type=OrderKind.REBALANCE.value)
    wrong = (
        (has_batch & ~(status & ordering))
        | (Q(status=TransactionStatus.COMPLETED, batch__status__in=OPEN))
        | (Q(status=TransactionStatus.PROCESSING) & has_batch & ~Q(batch__status__in=OPEN))
        | (status & ordering & ~has_batch & ~adopted)
        | (Q(error_code__isnull=False) & ~Q(status=TransactionStatus.ERRORED))
    )
    rows = scope.of(Transaction.objects.all()).filter(wrong)
    return rows.order_by("pk").values("transaction_id", "intent", "status", "error_code", "batch__status")


@INVARIANTS.rule(
    means="A cancellation is PROCESSING while one of its orders is open; all other consents are COMPLETED at once.",
    remedy=f"{BUG} A cancellation ends when its batch is next polled: check that a worker runs.",
)
def errands_end(scope: Scope) -> Rows:
    """Consents end in the confirmation's transaction; cancellations end with their orders."""
    about = Order.objects.filter(cancelled_by=OuterRef("pk"))
    rows = scope.of(Transaction.objects.exclude(intent=Intent.TRANSACTION))
    cancelling = Q(intent__in=sorted(CANCELLATIONS))
    open_ = Exists(about.filter(status=OrderStatus.PLACED))
    wrong = (Q(status=TransactionStatus.PROCESSING) & ~(cancelling & Q(open_))) | (
        cancelling & Q(status=TransactionStatus.COMPLETED) & (Q(open_) | ~Exists(about))
    )
    return rows.filter(wrong).order_by("pk").values("transaction_id", "intent", "status")


@INVARIANTS.rule(means="Every batch was confirmed before its transaction expired, by its gateway's clock.", remedy=BUG)
def nothing_is_confirmed_after_it_expired(scope: Scope) -> Rows:
    rows = scope.of(Batch.objects.filter(created_at__gte=F("transaction__expires_at")))
    return rows.order_by("pk").values(
        "batch_id", "transaction__transaction_id", "created_at", "transaction__expires_at"
    )


@INVARIANTS.rule(
    means="A batch has a completed date exactly when it is final; on live gateways its dates are in order.",
    remedy=f"{BUG} Dates may also be out of order if machines' clocks differ by more than a minute.",
)
def completed_dates_are_of_what_is_final(scope: Scope) -> Rows:
    """The order of dates is checked on live gateways only: a test gateway's clock may have been reset."""
    final = Q(status__in=sorted(FINAL_BATCH))
    backwards = (
        Q(placed_at__lt=F("created_at") - CLOCKS)
        | Q(completed_at__lt=F("placed_at") - CLOCKS)
        | Q(completed_at__lt=F("transaction__completed_at") - CLOCKS)
    )
    wrong = (
        (final & Q(completed_at__isnull=True))
        | (~final & Q(completed_at__isnull=False))
        | (Q(gateway__is_test=False) & backwards)
    )
    rows = scope.of(Batch.objects.all()).filter(wrong)
    return rows.order_by("pk").values(
        "batch_id", "status", "created_at", "placed_at", "completed_at", "transaction__completed_at"
    )


@INVARIANTS.rule(
    means="Sent orders have a time, filled orders an exchange id, refused orders and orders in ERROR an errorCode, "
    "and only a user's request makes CANCELLED AMO.",
    remedy=BUG,
)
def an_order_tells_a_possible_story(scope: Scope) -> Rows:
    never_sent = Q(status__in=[OrderStatus.QUEUED, OrderStatus.UNPLACED])
    refused = [OrderStatus.UNPLACED, OrderStatus.REJECTED, OrderStatus.ERROR]
    wrong = (
        (never_sent & Q(ordered_at__isnull=False))
        | (~never_sent & Q(ordered_at__isnull=True))
        | Q(filled_quantity__gt=0, exchange_order_id__isnull=True)
        | Q(status__in=refused, error_code__isnull=True)
        | Q(status=OrderStatus.CANCELLED_AMO, cancelled_by__isnull=True)
    )
    rows = scope.of(Order.objects.all(), "batch__gateway").filter(wrong)
    return rows.order_by("pk").values(
        "batch__batch_id", "ref", "ticker", "status", "ordered_at", "filled_quantity", "exchange_order_id", "error_code"
    )


@INVARIANTS.rule(
    means="Batch, transaction and account belong to one gateway, and the account is the transaction's.",
    remedy="One partner's order may have reached another's user. The gateway cannot cause this.",
)
def an_order_is_of_one_account_and_gateway(scope: Scope) -> Rows:
    wrong = (
        ~Q(transaction__gateway=F("gateway"))
        | ~Q(account__gateway=F("gateway"))
        | ~Q(transaction__account=F("account"))
    )
    rows = scope.of(Batch.objects.all()).filter(wrong)
    return rows.order_by("pk").values(
        "batch_id", "gateway__name", "transaction__gateway__name", "account__gateway__name", "account__auth_id"
    )


INVARIANTS.stuck(
    lambda: reachable(Batch.objects.all()),
    *("batch_id", "status"),
    what="batch",
    remedy=f"{SWEEP} If a batch is tried again and again, the worker's log has the reason.",
)
INVARIANTS.leased_for_ever(Batch.objects.all, "batch_id", "status", what="batch")


@INVARIANTS.rule(means="No confirmed transaction has open orders.", remedy=WAIT, at_rest=True)
def every_transaction_has_ended(scope: Scope) -> Rows:
    rows = scope.of(Transaction.objects.filter(status=TransactionStatus.PROCESSING))
    return rows.order_by("pk").values("transaction_id", "intent", "updated_at")


@INVARIANTS.rule(
    means="No batch waits for a broker's report; a batch with unknown or corrected orders waits up to a day.",
    remedy="Wait, advance the test gateway's clock by over a day, or correct orders in ERROR from the tradebook.",
    at_rest=True,
)
def no_broker_is_asked_any_more(scope: Scope) -> Rows:
    rows = scope.of(Batch.objects.filter(due_at__isnull=False))
    lost = Order.objects.filter(batch=OuterRef("pk"), status=OrderStatus.ERROR).order_by("position")
    named = rows.annotate(lost=Subquery(lost.values("ref")[:1]))
    return named.order_by("pk").values("batch_id", "status", "due_at", "lost")
