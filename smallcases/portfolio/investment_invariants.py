"""Rules that investments, versions and SIPs must always satisfy."""

from decimal import Decimal
from typing import Final

from django.db.models import Case, DecimalField, Exists, F, IntegerField, OuterRef, Q, Sum, When, Window
from django.db.models.functions import Coalesce

from brokers.ports.broker import Side
from gateway.monitoring.invariant_checks import SWEEP, Rows, Rules, Scope
from smallcases.models import Investment, InvestmentFill, RebalanceNotice, Sip, Version

SIGNED: Final = Case(When(side=Side.BUY, then=F("shares")), default=-F("shares"), output_field=IntegerField())
# Weights have four decimals; SQLite sums them as floats.
HALF_A_STEP: Final = Decimal("0.00005")
NO_SHARES: Final = "Compare the investment's fills with its orders: a fill is missing, duplicated or out of order."
INVARIANTS: Final = Rules()


@INVARIANTS.rule(means="An investment never sells more shares of a name than it holds.", remedy=NO_SHARES)
def nobody_holds_less_than_zero(scope: Scope) -> Rows:
    """Checks the balance after every fill, in the order of the reports."""
    rows = scope.of(InvestmentFill.objects.all(), "investment__gateway")
    held = Window(Sum(SIGNED), partition_by=[F("investment"), F("ticker")], order_by="pk")
    found = rows.annotate(held=held).filter(held__lt=0)
    return found.order_by("pk").values("investment__iscid", "ticker", "order_ref", "side", "shares", "held")


@INVARIANTS.rule(
    means="An investment is exited exactly when the sum of its fills leaves no share.",
    remedy=f"{NO_SHARES} Correct `exited_at` to agree with the fills.",
)
def exited_when_nothing_is_held(scope: Scope) -> Rows:
    by_name = InvestmentFill.objects.filter(investment=OuterRef("pk")).values("ticker").annotate(held=Sum(SIGNED))
    holds = Exists(by_name.filter(held__gt=0))
    rows = scope.of(Investment.objects.all()).annotate(holds=holds)
    found = rows.filter(Q(holds=True, exited_at__isnull=False) | Q(holds=False, exited_at__isnull=True))
    return found.order_by("pk").values("iscid", "holds", "exited_at")


@INVARIANTS.rule(
    means="Every investment has at least one fill.",
    remedy="Find the batch of this iscid: its fills were deleted, or the investment was created by hand.",
)
def an_investment_has_come_of_a_fill(scope: Scope) -> Rows:
    fills = InvestmentFill.objects.filter(investment=OuterRef("pk"))
    rows = scope.of(Investment.objects.all()).filter(~Exists(fills))
    return rows.order_by("pk").values("iscid", "smallcase__scid", "created_at")


@INVARIANTS.rule(
    means="An investment's version belongs to its smallcase, and its account to its gateway.",
    remedy="The gateway cannot cause this: find out who wrote to the database by hand.",
)
def an_investment_is_of_one_smallcase_and_gateway(scope: Scope) -> Rows:
    wrong = ~Q(version__smallcase=F("smallcase")) | ~Q(account__gateway=F("gateway"))
    rows = scope.of(Investment.objects.all()).filter(wrong)
    return rows.order_by("pk").values(
        "iscid", "smallcase__scid", "version__smallcase__scid", "gateway__name", "account__gateway__name"
    )


@INVARIANTS.rule(
    means="The weights of a version's constituents sum to 100.",
    remedy="Publish a corrected version; a published version is never changed.",
)
def weights_are_a_whole(scope: Scope) -> Rows:
    """Ignores the scope: no gateway owns the catalogue."""
    whole = Coalesce(Sum("constituents__weight"), 0, output_field=DecimalField(max_digits=9, decimal_places=4))
    apart = Q(weights__gt=100 + HALF_A_STEP) | Q(weights__lt=100 - HALF_A_STEP)
    rows = Version.objects.annotate(weights=whole).filter(apart)
    return rows.order_by("pk").values("smallcase__scid", "number", "weights")


INVARIANTS.stuck(RebalanceNotice.objects.all, "version__smallcase__scid", "gateway__name", what="rebalance_notice")
INVARIANTS.stuck(lambda: Sip.objects.filter(is_active=True), "investment__iscid", what="sip")
INVARIANTS.leased_for_ever(
    RebalanceNotice.objects.all, "version__smallcase__scid", "gateway__name", what="rebalance_notice"
)
INVARIANTS.leased_for_ever(Sip.objects.all, "investment__iscid", what="sip")


@INVARIANTS.rule(means="All investors are notified of every published version.", remedy=SWEEP, at_rest=True)
def every_rebalance_notice_is_sent(scope: Scope) -> Rows:
    unfinished = scope.of(RebalanceNotice.objects.filter(due_at__isnull=False))
    return unfinished.order_by("pk").values("version__smallcase__scid", "version__number", "gateway__name", "due_at")


@INVARIANTS.rule(means="Every due SIP has had its reminder.", remedy=SWEEP, at_rest=True)
def every_due_sip_is_notified(scope: Scope) -> Rows:
    due = scope.of(Sip.objects.filter(is_active=True)).filter(due_at__lte=scope.now())
    return due.order_by("pk").values("investment__iscid", "scheduled_date", "due_at")
