"""The daily value of an investment, for the chart on its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from brokers.market.quotes import Quote
from smallcases.portfolio import ledger

DAY: Final = timedelta(days=1)
MOST_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class DailyValuation:
    """Rupees, at `at`: the value of the held shares, and the unrealized plus realized returns."""

    at: datetime
    networth: Decimal
    total_returns: Decimal


def valuation_history(
    fills: Sequence[ledger.Fill], quotes: Mapping[str, Quote], *, since: datetime, now: datetime
) -> list[DailyValuation]:
    """Values of the last MOST_DAYS days at this time of day, and now. `fills` in the order of their reports.

    Empty if a name has left the catalogue and has no price, or if a test gateway's clock was put back so that shares
    were sold before they were bought.
    """
    if any(fill.ticker not in quotes for fill in fills):
        return []
    first = max(since, now - MOST_DAYS * DAY)
    moments = [now - number * DAY for number in range((now - first) // DAY, -1, -1)]
    try:
        return [_valuation(fills, quotes, moment) for moment in moments]
    except ledger.Oversold:
        return []


def _valuation(fills: Sequence[ledger.Fill], quotes: Mapping[str, Quote], moment: datetime) -> DailyValuation:
    until = [fill for fill in fills if fill.at <= moment]
    prices = {fill.ticker: quotes[fill.ticker].at(moment) for fill in until}
    found = ledger.returns(until, prices)
    return DailyValuation(moment, found.networth, found.total_returns)
