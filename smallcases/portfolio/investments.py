"""Queries of users' investments; each starts with the account."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from brokers.ports.broker import Side
from gateway.database.compiled import compiled
from gateway.models import Account
from smallcases.models import Investment, InvestmentFill, Smallcase, Version
from smallcases.portfolio import ledger
from smallcases.sips.schedule import ist_day

# In the order of the reports, not of `at`: a test gateway's clock may be reset between a buy and its sale.
IN_ORDER = Prefetch("fills", InvestmentFill.objects.order_by("pk"))


def investments_of(account: int, *, iscids: list[str] | None, exited: bool) -> QuerySet[Investment]:
    """Newest first, with smallcase, version and SIP. `newest_version` is the smallcase's newest version number."""
    newest = Version.objects.filter(smallcase=OuterRef("smallcase")).order_by("-number").values("number")[:1]
    rows = Investment.objects.filter(account=account, exited_at__isnull=not exited)
    if iscids is not None:
        rows = rows.filter(iscid__in=iscids)
    related = rows.select_related("smallcase", "version", "sip")
    return related.annotate(newest_version=Subquery(newest)).order_by("-pk")


def fills_by_investment(investments: Sequence[int]) -> dict[int, list[ledger.Fill]]:
    """Fills by investment, in the order of their reports; one query."""
    found: dict[int, list[ledger.Fill]] = {investment: [] for investment in investments}
    for investment, ticker, side, shares, price, at in _fills(investments=list(investments)):
        found[investment].append(ledger.Fill(ticker, Side(side), shares, price, at))
    return found


@compiled
def _fills(*, investments: list[int]) -> QuerySet[InvestmentFill, tuple[int, str, str, int, Decimal, datetime]]:
    rows = InvestmentFill.objects.filter(investment__pk__in=investments).order_by("pk")
    return rows.values_list("investment_id", "ticker", "side", "shares", "price", "at")


def investment_of(account: Account, iscid: str) -> Investment | None:
    """The account's investment, live or exited; None for another account's."""
    rows = Investment.objects.select_related("smallcase", "version", "sip").prefetch_related(IN_ORDER)
    return rows.filter(account=account, iscid=iscid).first()


def newest_version(smallcase: Smallcase) -> Version:
    return smallcase.versions.order_by("-number")[0]


def weights_of(version: Version) -> dict[str, Decimal]:
    """Weights in per cent by ticker."""
    return dict(version.constituents.values_list("instrument__symbol", "weight"))


def fills_of(investment: Investment) -> list[ledger.Fill]:
    return [
        ledger.Fill(fill.ticker, Side(fill.side), fill.shares, fill.price, fill.at) for fill in investment.fills.all()
    ]


def shares_of(investment: Investment) -> dict[str, int]:
    """The current holdings by ticker, without names that were sold completely. Raises Oversold."""
    return {t: position.shares for t, position in ledger.positions(fills_of(investment)).items() if position.shares}


def is_sip_due(investment: Investment, now: datetime) -> bool:
    sip = getattr(investment, "sip", None)
    return sip is not None and sip.is_active and sip.scheduled_date <= ist_day(now)
