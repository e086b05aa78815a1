"""Rules for orders that support has corrected."""

from typing import Final

from django.db.models import Exists, F, IntegerField, OuterRef, Q, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from gateway.monitoring.invariant_checks import Rows, Rules, Scope
from transactions.models import CorrectionState, Order, OrderCorrection

OWNER: Final = "batch__gateway"
BUG: Final = "An order was changed without a correction: keep the rows, and report it."
INVARIANTS: Final = Rules()


@INVARIANTS.rule(means="An order with an applied correction has the correction's status and shares.", remedy=BUG)
def a_corrected_order_is_as_corrected(scope: Scope) -> Rows:
    rows = scope.of(Order.objects.filter(active_correction__isnull=False), OWNER)
    shares = Cast(KT("after__filled_quantity"), IntegerField())
    in_force = OrderCorrection.objects.filter(pk=OuterRef("active_correction")).annotate(
        as_=KT("after__status"), shares=shares
    )
    compared = rows.annotate(
        settled_as=Subquery(in_force.values("as_")[:1]), settled_shares=Subquery(in_force.values("shares")[:1])
    )
    other = ~Q(status=F("settled_as")) | ~Q(filled_quantity=F("settled_shares"))
    not_in_force = ~Q(active_correction__state=CorrectionState.APPLIED) | ~Q(active_correction__order=F("pk"))
    found = compared.filter(other | not_in_force).order_by("pk")
    return found.values("batch__batch_id", "ref", "ticker", "status", "settled_as", "filled_quantity", "settled_shares")


@INVARIANTS.rule(
    means="An order refers to the last of its applied corrections; without any, it follows the broker's report.",
    remedy=BUG,
)
def an_order_has_its_last_correction(scope: Scope) -> Rows:
    """Orders that do not refer to the last of their applied corrections."""
    in_force = OrderCorrection.objects.filter(order=OuterRef("pk"), state=CorrectionState.APPLIED, undoes__isnull=True)
    later = in_force.filter(version__gt=OuterRef("active_correction__version"))
    rows = scope.of(Order.objects.all(), OWNER).filter(
        Q(active_correction__isnull=True) & Exists(in_force) | Q(active_correction__isnull=False) & Exists(later)
    )
    return rows.order_by("pk").values("batch__batch_id", "ref", "ticker", "status", "active_correction__version")
