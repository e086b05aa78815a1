"""Rules for smallcase orders and the fills of their investments; at rest, no order is open."""

from typing import Final

from django.db.models import Exists, OuterRef, Q

from gateway.monitoring.invariant_checks import Rows, Rules, Scope
from smallcases.models import Investment, InvestmentFill
from transactions.domain.smallcase_order import OrderKind
from transactions.domain.statuses import OrderStatus
from transactions.invariants.status_invariants import WAIT
from transactions.models import Batch, Order

OWNER: Final = "batch__gateway"
BUG: Final = "Keep the rows on both sides, and report it."
NOT_BOUGHT: Final = "The user sees other shares than were bought: compare the fills with the investment's batches."
INVARIANTS: Final = Rules()


@INVARIANTS.rule(
    means="Each fill of a smallcase order is in its investment once, at the same price.", remedy=f"{NOT_BOUGHT} {BUG}"
)
def an_investment_has_all_its_fills(scope: Scope) -> Rows:
    same = InvestmentFill.objects.filter(
        order_ref=OuterRef("ref"),
        investment__iscid=OuterRef("batch__iscid"),
        investment__account=OuterRef("batch__account"),
        ticker=OuterRef("ticker"),
        side=OuterRef("side"),
        shares=OuterRef("filled_quantity"),
        price=OuterRef("average_price"),
    )
    filled = Order.objects.filter(batch__iscid__isnull=False, filled_quantity__gt=0)
    rows = scope.of(filled, OWNER).filter(~Exists(same))
    return rows.order_by("pk").values("batch__iscid", "batch__batch_id", "ref", "ticker", "side", "filled_quantity")


@INVARIANTS.rule(means="Every fill of an investment belongs to one of its orders.", remedy=f"{NOT_BOUGHT} {BUG}")
def an_investment_has_no_other_fills(scope: Scope) -> Rows:
    filled = Order.objects.filter(ref=OuterRef("order_ref"), filled_quantity__gt=0)
    rows = scope.of(InvestmentFill.objects.all(), "investment__gateway").filter(~Exists(filled))
    return rows.order_by("pk").values("investment__iscid", "order_ref", "ticker", "side", "shares")


@INVARIANTS.rule(
    means="An investment has its own target exactly when a MANAGE order on its version has filled anything.",
    remedy=f"The next SIP buys other names than the user chose: compare the targets of its MANAGE orders. {BUG}",
)
def an_investment_follows_its_manage_orders(scope: Scope) -> Rows:
    """Leaves out orders without a target, which are of an older release."""
    filled = Order.objects.filter(batch=OuterRef("pk"), filled_quantity__gt=0)
    managed = Batch.objects.filter(
        iscid=OuterRef("iscid"), version=OuterRef("version"), original_label=OrderKind.MANAGE, target__isnull=False
    )
    rows = scope.of(Investment.objects.all()).annotate(is_managed=Exists(managed.filter(Exists(filled))))
    wrong = Q(is_managed=True, is_customised=False) | Q(is_managed=False, is_customised=True, target__isnull=False)
    return rows.filter(wrong).order_by("pk").values("iscid", "version__number", "is_customised", "is_managed")


@INVARIANTS.rule(means="No order is open at a broker.", remedy=WAIT, at_rest=True)
def no_order_is_open(scope: Scope) -> Rows:
    """At rest, no order waits for a report."""
    rows = scope.of(Order.objects.filter(status=OrderStatus.PLACED), OWNER)
    return rows.order_by("pk").values("batch__batch_id", "ref", "ticker", "unreported_since")
