"""Queries of users' investments; each starts with the account."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db.models import OuterRef, Prefetch, Subquery

from brokers.market.quotes import quotes
from brokers.ports.broker import Side
from gateway.models import Account
from smallcases import sql
from smallcases.models import Investment, InvestmentFill, Sip, Smallcase, Version
from smallcases.planner import composition
from smallcases.portfolio import ledger
from smallcases.sips.schedule import ist_day

# In the order of the reports, not of `at`: a test gateway's clock may be reset between a buy and its sale.
IN_ORDER = Prefetch("fills", InvestmentFill.objects.order_by("pk"))


class InvestmentRow(NamedTuple):
    """An investment with smallcase and version, its SIP, and the number of the newest version."""

    investment: Investment
    sip: Sip | None
    newest_version: int


def investments_of(account: Account, *, iscids: Collection[str] | None, exited: bool) -> list[InvestmentRow]:
    """Newest first; of `iscids` only, when given. One query."""
    rows = []
    for investment, smallcase, version, sip, newest in sql.investments_of(account.pk, iscids=iscids, is_exited=exited):
        investment.smallcase, investment.version = smallcase, version
        if sip:
            sip.investment = investment
        rows.append(InvestmentRow(investment, sip, newest))
    return rows


def fills_by_investment(investments: Sequence[int]) -> dict[int, list[ledger.Fill]]:
    """Fills by investment, in the order of their reports; one query."""
    found: dict[int, list[ledger.Fill]] = {investment: [] for investment in investments}
    for investment, ticker, side, shares, price, at in sql.fills_of(investments):
        found[investment].append(ledger.Fill(ticker, Side(side), shares, price, at))
    return found


def investment_of(account: Account, iscid: str) -> Investment | None:
    """The account's investment, live or exited; None for another account's."""
    rows = Investment.objects.select_related("smallcase", "version", "sip").prefetch_related(IN_ORDER)
    return rows.filter(account=account, iscid=iscid).first()


def newest_version(smallcase: Smallcase) -> Version:
    return smallcase.versions.order_by("-number")[0]


def newest_versions(smallcases: Sequence[int]) -> dict[int, Version]:
    """The newest version of each smallcase; one query."""
    later = Version.objects.filter(smallcase=OuterRef("smallcase")).order_by("-number").values("pk")[:1]
    rows = Version.objects.filter(smallcase__in=smallcases, pk=Subquery(later))
    return {version.smallcase_id: version for version in rows}


def weights_of(version: Version) -> dict[str, Decimal]:
    """Weights in per cent by ticker."""
    return dict(version.constituents.values_list("instrument__symbol", "weight"))


def target_weights(investment: Investment, *, now: datetime) -> dict[str, Decimal]:
    """The weights that INVESTMORE and a SIP follow, in per cent: the user's own since a MANAGE order, or the version's.

    An older release kept no target of MANAGE orders; then it is the present composition.
    """
    if not investment.is_customised:
        return weights_of(investment.version)
    if investment.target:
        return {ticker: Decimal(weight) for ticker, weight in investment.target.items()}
    shares = shares_of(investment)
    market = quotes(investment.gateway_id, shares)
    prices = {ticker: quote.at(now) for ticker, quote in market.items()}
    priced = {ticker: shares[ticker] for ticker in prices}
    return composition(shares=priced, prices=prices) if priced else weights_of(investment.version)


def fills_of(investment: Investment) -> list[ledger.Fill]:
    return [
        ledger.Fill(fill.ticker, Side(fill.side), fill.shares, fill.price, fill.at) for fill in investment.fills.all()
    ]


def shares_of(investment: Investment) -> dict[str, int]:
    """The current holdings by ticker, without names that were sold completely. Raises Oversold."""
    return {t: position.shares for t, position in ledger.positions(fills_of(investment)).items() if position.shares}


def is_sip_due(sip: Sip | None, now: datetime) -> bool:
    return sip is not None and sip.is_active and sip.scheduled_date <= ist_day(now)
