"""Rules that compare the gateway's orders with the simulated brokers' books.

Other code uses the broker port only. These checks read the simulator's tables directly.
"""

from decimal import Decimal
from typing import Final

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Abs

from brokers.ports.broker import BrokerStatus
from brokers.simulator.models import SimOrder
from gateway.monitoring.invariant_checks import Rows, Rules, Scope
from transactions.domain.statuses import OrderStatus
from transactions.invariants.fill_invariants import BUG, OWNER
from transactions.models import Order

SIM_OWNER: Final = "account__gateway"
# Statuses from the broker's reports, so the broker must know the order. It may not know a PLACED order or one in
# ERROR. Corrected orders are left out: the desk shows contradictions with the broker's report.
REPORTED_STATUSES: Final = (
    OrderStatus.COMPLETE,
    OrderStatus.PARTIAL,
    OrderStatus.REJECTED,
    OrderStatus.CANCELLED,
    OrderStatus.CANCELLED_AMO,
)
ENDS: Final = {
    BrokerStatus.COMPLETE: (OrderStatus.COMPLETE,),
    BrokerStatus.REJECTED: (OrderStatus.REJECTED,),
    BrokerStatus.CANCELLED: (OrderStatus.PARTIAL, OrderStatus.CANCELLED, OrderStatus.CANCELLED_AMO),
}
HALF_A_TICK: Final = Decimal("0.0001")
INVARIANTS: Final = Rules()


def _beside(scope: Scope) -> Rows:
    """Our orders with the broker's record of the same ref."""
    theirs = SimOrder.objects.filter(ref=OuterRef("ref"))
    return scope.of(Order.objects.all(), OWNER).annotate(
        at_broker=Subquery(theirs.values("status")[:1]),
        filled_at_broker=Subquery(theirs.values("filled_quantity")[:1]),
        price_at_broker=Subquery(theirs.values("average_price")[:1]),
    )


@INVARIANTS.rule(
    means="Every order in a simulated broker's book is an order that the gateway has placed.",
    remedy=f"The user may own shares that nobody ordered: inform support first. {BUG}",
)
def no_order_is_placed_twice(scope: Scope) -> Rows:
    """Refs are unique on both sides, so an order that was placed twice has a ref that the gateway has not placed."""
    ours = Order.objects.filter(ref=OuterRef("ref"))
    sent = ours.exclude(status=OrderStatus.UNPLACED)
    rows = scope.of(SimOrder.objects.all(), SIM_OWNER).filter(~Exists(sent))
    named = rows.annotate(ours=Subquery(ours.values("status")), batch=Subquery(ours.values("batch__batch_id")))
    return named.order_by("pk").values(
        "ref", "account__broker", "account__client_id", "ticker", "status", "batch", "ours"
    )


@INVARIANTS.rule(
    means="The broker knows every order that it acknowledged or reported.",
    remedy=f"The user sees an order that does not exist at the broker: inform support first. {BUG}",
)
def no_order_is_lost(scope: Scope) -> Rows:
    theirs = SimOrder.objects.filter(ref=OuterRef("ref"))
    answered = Q(status__in=REPORTED_STATUSES, active_correction__isnull=True) | Q(
        status=OrderStatus.PLACED, broker_order_id__isnull=False
    )
    rows = scope.of(Order.objects.filter(answered), OWNER).filter(~Exists(theirs))
    return rows.order_by("pk").values("batch__batch_id", "ref", "ticker", "status")


@INVARIANTS.rule(
    means="For each ref, gateway and broker have the same account, name, side, quantity and type.", remedy=BUG
)
def both_sides_mean_the_same_order(scope: Scope) -> Rows:
    same = SimOrder.objects.filter(
        ref=OuterRef("ref"),
        ticker=OuterRef("ticker"),
        side=OuterRef("side"),
        quantity=OuterRef("quantity"),
        order_type=OuterRef("order_type"),
        account__gateway=OuterRef("batch__gateway"),
        account__broker=OuterRef("batch__account__broker"),
        account__client_id=OuterRef("batch__account__client_id"),
    )
    theirs = SimOrder.objects.filter(ref=OuterRef("ref"))
    rows = scope.of(Order.objects.all(), OWNER).filter(Exists(theirs), ~Exists(same))
    return rows.order_by("pk").values("batch__batch_id", "ref", "ticker", "side", "quantity", "batch__account__auth_id")


@INVARIANTS.rule(
    means="An order that ended by the broker's report has the same shares and average price on both sides; no "
    "order has more filled shares in the gateway than at the broker.",
    remedy=f"Reconcile the batch from the broker's tradebook. {BUG}",
)
def both_sides_count_the_same_fills(scope: Scope) -> Rows:
    """Ended orders must agree in shares and price; the gateway may not know all fills of open orders yet."""
    ended = Q(status__in=REPORTED_STATUSES)
    other = ~Q(filled_quantity=F("filled_at_broker")) | Q(off__gt=HALF_A_TICK)
    rows = _beside(scope).filter(at_broker__isnull=False).annotate(off=Abs(F("average_price") - F("price_at_broker")))
    heard = rows.filter(active_correction__isnull=True)
    found: Rows = heard.filter((ended & other) | Q(filled_quantity__gt=F("filled_at_broker"))).order_by("pk")
    return found.values(
        "batch__batch_id", "ref", "status", "filled_quantity", "filled_at_broker", "average_price", "price_at_broker"
    )


@INVARIANTS.rule(
    means="An order that ended by the broker's report has ended at the broker in the same way.",
    remedy=f"Reconcile the batch from the broker's tradebook. {BUG}",
)
def both_sides_end_an_order_alike(scope: Scope) -> Rows:
    alike = Q(pk__in=[])
    for theirs, ours in ENDS.items():
        alike |= Q(at_broker=theirs.value, status__in=ours)
    heard = _beside(scope).filter(status__in=REPORTED_STATUSES, active_correction__isnull=True, at_broker__isnull=False)
    rows: Rows = heard.filter(~alike).order_by("pk")
    return rows.values("batch__batch_id", "ref", "status", "at_broker")
