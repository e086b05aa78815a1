"""Invariants of the simulated brokers' data: the order book must equal the sums of the tradebook."""

from decimal import Decimal
from typing import Final

from django.db.models import Count, DecimalField, F, Q, Sum
from django.db.models.functions import Abs, Coalesce

from brokers.ports.broker import Side
from brokers.simulator.account_books.books import CASH, SHARES
from brokers.simulator.fills import LIMITED
from brokers.simulator.models import SimOrder, SimStatus, SimTrade
from gateway.monitoring.invariant_checks import Rows, Rules, Scope

OWNER: Final = "account__gateway"
MONEY: Final = DecimalField(max_digits=24, decimal_places=4)
# Averages are rounded to four decimals at each fill.
ROUNDING: Final = Decimal("0.001")
INVARIANTS: Final = Rules()


@INVARIANTS.rule(
    means="The filled shares and average price of an order in the simulator equal those of its trades.",
    remedy="The simulator wrote a trade without its order, or twice. Keep the rows and report a bug.",
)
def the_broker_counts_its_trades(scope: Scope) -> Rows:
    """Orders whose filled shares or average price differ from their trades."""
    traded = Coalesce(Sum("trades__quantity"), 0)
    turnover = Sum(F("trades__price") * F("trades__quantity"), output_field=MONEY)
    rows = scope.of(SimOrder.objects.all(), OWNER).annotate(traded=traded, turnover=turnover)
    off = Abs(F("turnover") - F("average_price") * F("filled_quantity"), output_field=MONEY)
    wrong = ~Q(filled_quantity=F("traded")) | Q(filled_quantity__gt=0, average_price__isnull=True)
    mispriced = Q(average_price__isnull=False, off__gt=ROUNDING * F("filled_quantity"))
    found = rows.annotate(off=off).filter(wrong | mispriced)
    return found.order_by("pk").values("ref", "status", "filled_quantity", "average_price", "traded", "turnover")


@INVARIANTS.rule(
    means="In the simulator a COMPLETE order has filled all shares, REJECTED none, OPEN and CANCELLED not all.",
    remedy="The simulator's fill model contradicts its order book. Keep the rows and report a bug.",
)
def the_broker_ends_orders_as_they_filled(scope: Scope) -> Rows:
    wrong = (
        (Q(status=SimStatus.COMPLETE) & ~Q(filled_quantity=F("quantity")))
        | Q(status=SimStatus.REJECTED, filled_quantity__gt=0)
        | Q(status=SimStatus.OPEN, filled_quantity=F("quantity"))
        | Q(status=SimStatus.CANCELLED, filled_quantity=F("quantity"))
    )
    rows = scope.of(SimOrder.objects.filter(wrong), OWNER)
    return rows.order_by("pk").values("ref", "status", "quantity", "filled_quantity")


@INVARIANTS.rule(
    means="No trade in the simulator is at a worse price than the limit of its order.",
    remedy="An older release's stepwise fills ignored limits. If the trade is newer, keep the rows and report a bug.",
)
def no_trade_is_beyond_its_orders_limit(scope: Scope) -> Rows:
    limited = SimTrade.objects.filter(order__order_type__in=LIMITED)
    worse = Q(side=Side.BUY, price__gt=F("order__price")) | Q(side=Side.SELL, price__lt=F("order__price"))
    rows = scope.of(limited.filter(worse), OWNER)
    return rows.order_by("pk").values("order__ref", "ticker", "side", "price", "order__price", "at")


# A trade without a serial was written by an older release, whose risk check ignored charges and concurrent workers. Its
# account may have become negative then, which is no fault of the present risk check.
OF_AN_OLDER_RELEASE: Final = Q(account__in=SimTrade.objects.filter(serial=None).values("account"))


@INVARIANTS.rule(
    means="No simulated account has sold more shares than it bought and was lent.",
    remedy="The simulator's risk check let a sale through. Keep the rows and report a bug.",
)
def nobody_holds_less_than_zero_at_the_broker(scope: Scope) -> Rows:
    held = (
        scope.of(SimTrade.objects.exclude(OF_AN_OLDER_RELEASE), OWNER)
        .values("account", "ticker")
        .annotate(shares=Sum(SHARES))
    )
    found = held.filter(shares__lt=-F("account__lent_shares"))
    named = found.values("account__broker", "account__client_id", "ticker", "shares", trades=Count("pk"))
    return named.order_by("account__broker", "account__client_id", "ticker")


@INVARIANTS.rule(
    means="No simulated account has paid more for shares and charges than its opening funds and its sales.",
    remedy="The simulator's risk check let a buy through. Keep the rows and report a bug.",
)
def nobody_spends_more_than_they_have_at_the_broker(scope: Scope) -> Rows:
    trades = scope.of(SimTrade.objects.exclude(OF_AN_OLDER_RELEASE), OWNER)
    spent = trades.values("account").annotate(rupees=Sum(CASH, output_field=MONEY))
    found = spent.filter(rupees__lt=-F("account__opening_funds"))
    named = found.values("account__broker", "account__client_id", "rupees", trades=Count("pk"))
    return named.order_by("account__broker", "account__client_id")
