"""Hot statements about users' investments, as plain SQL."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from gateway.database.rows import Computed, Only, RowReader, ValuesOf, column, columns_of
from smallcases.models import Investment, InvestmentFill, Sip, Smallcase, Version

InvestmentParts: TypeAlias = tuple[Investment, Smallcase, Version, Sip | None, int]
FillParts: TypeAlias = tuple[int, str, str, int, Decimal, datetime]
_INVESTMENT = RowReader(
    i=Investment,
    s=Only(Smallcase, *(one.name for one in columns_of(Smallcase) if one.name != "rationale")),
    v=Only(Version, *(one.name for one in columns_of(Version) if one.name != "rationale")),
    p=Sip,
    newest=Computed(
        "(SELECT MAX(n.number) FROM smallcases_version n WHERE n.smallcase_id = i.smallcase_id)",
        column(Version, "number"),
    ),
)
_FILL = RowReader(f=ValuesOf(InvestmentFill, "investment", "ticker", "side", "shares", "price", "at"))


def investments_of(account: int, *, iscids: Collection[str] | None, is_exited: bool) -> list[InvestmentParts]:
    """Newest first; only of `iscids`, if given.

    Of each: the investment, its smallcase and version without their rationales, its SIP, and the number of the newest
    version.
    """
    named = [] if iscids is None else [tuple(iscids)]
    return _INVESTMENT.select(
        "FROM smallcases_investment i JOIN smallcases_smallcase s ON s.id = i.smallcase_id"
        " JOIN smallcases_version v ON v.id = i.version_id LEFT JOIN smallcases_sip p ON p.investment_id = i.id"
        f" WHERE i.account_id = %s AND i.exited_at IS {'NOT ' * is_exited}NULL{' AND i.iscid IN %s' * len(named)}"
        " ORDER BY i.id DESC",
        *(account, *named),
    )


def fills_of(investments: Collection[int]) -> list[FillParts]:
    """Investment, ticker, side, shares, price and time of each fill, in the order of the reports."""
    return _FILL.select(
        "FROM smallcases_investmentfill f WHERE f.investment_id IN %s ORDER BY f.id", tuple(investments)
    )
