"""What an investment was worth from day to day, as its page draws it."""

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
    """Rupees, at `at`: what the shares held then would bring, and what is gained on them and was gained before."""

    at: datetime
    networth: Decimal
    total_returns: Decimal


def valuation_history(
    fills: Sequence[ledger.Fill], quotes: Mapping[str, Quote], *, since: datetime, now: datetime
) -> list[DailyValuation]:
    """Of the last MOST_DAYS days at this time of day, and now. `fills` in the order they were heard of.

    Names that left the catalogue have no price any more, and a tester's clock that was put back may have sold before it
    bought: then there is nothing to draw.
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
