"""Hot statements about investments, as plain SQL."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from gateway.database.rows import Computed, Only, RowReader, ValuesOf, column
from smallcases.models import IndexValue, Investment, InvestmentFill, Sip, Smallcase, Version

_INVESTMENT = RowReader(
    i=Investment,
    s=Only(Smallcase, "scid", "name", "short_description", key="i.smallcase_id"),
    v=Only(Version, "number", key="i.version_id"),
    sip=Computed("(SELECT p.id FROM smallcases_sip p WHERE p.investment_id = i.id)", column(Sip, "pk")),
    newest_version=Computed(
        "(SELECT n.number FROM smallcases_version n"
        " WHERE n.smallcase_id = i.smallcase_id ORDER BY n.number DESC LIMIT 1)",
        column(Version, "number"),
    ),
    index_value=Computed(
        "(SELECT x.value FROM smallcases_indexvalue x"
        " WHERE x.smallcase_id = i.smallcase_id ORDER BY x.day DESC LIMIT 1)",
        column(IndexValue, "value"),
    ),
)
_FILL = RowReader(f=ValuesOf(InvestmentFill, "investment", "ticker", "side", "shares", "price", "at"))


class InvestmentRow(NamedTuple):
    """An investment with smallcase and version, its SIP, the number of the newest version, the index's last value."""

    investment: Investment
    sip: Sip | None
    newest_version: int
    index_value: Decimal | None


def investments_of(account: int, *, iscids: Collection[str] | None, exited: bool) -> list[InvestmentRow]:
    """Newest first; of `iscids` only, when given."""
    named = [] if iscids is None else [tuple(iscids)]
    rows = _INVESTMENT.select(
        "FROM smallcases_investment i"
        f" WHERE i.account_id = %s AND i.exited_at IS {'NOT ' * exited}NULL {'AND i.iscid IN %s ' * len(named)}"
        "ORDER BY i.id DESC",
        account,
        *named,
    )
    sips = _sips([sip for *_, sip, _, _ in rows if sip])
    found = []
    for investment, investment.smallcase, investment.version, sip, newest, index_value in rows:
        found.append(InvestmentRow(investment, sips.get(sip), newest, index_value))
        if sip:
            sips[sip].investment = investment
    return found


def _sips(keys: Collection[int]) -> dict[int, Sip]:
    """No query where there are none, as on most investments."""
    return Sip.objects.in_bulk(keys) if keys else {}


def fills_of(investments: Collection[int]) -> list[tuple[int, str, str, int, Decimal, datetime]]:
    """Investment, ticker, side, shares, price, time; in the order of their reports."""
    return _FILL.select(
        "FROM smallcases_investmentfill f WHERE f.investment_id IN %s ORDER BY f.id", tuple(investments)
    )
