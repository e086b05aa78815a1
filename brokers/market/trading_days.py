"""Trading days counted back from a day, and what settles on them. Pure.

Shares arrive on trading days; bank holidays on which the exchange trades are not known here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Final

from brokers.market.hours import HORIZON, Hours, Market
from gateway.values.timestamps import IST

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SettlementDays:
    """Shares bought on or after `today` are a position; those bought on or after `unsettled_from`, and before, are T1.

    T+1: the shares of a trading day arrive at the end of the next one, so they are holdings from the one after.
    """

    unsettled_from: date
    today: date


def settlement_days(market: Market, now: datetime) -> SettlementDays:
    """On a day without trading, the last trading day counts."""
    today = now.astimezone(IST).date()
    *_, before_last = islice(trading_days(market, today), 2)
    return SettlementDays(before_last, today)


def trading_days(market: Market, until: date) -> Iterator[date]:
    """Trading days from `until` backwards; every day of a market that a tester has closed for good."""
    for number in range(HORIZON):
        day = until - number * ONE_DAY
        if market.hours is Hours.CLOSED or market.sessions_on(day):
            yield day


def previous_close_at(market: Market, at: datetime) -> datetime:
    """The end of the last session before the day of `at`; without one, the start of that day."""
    today = at.astimezone(IST).date()
    earlier = (market.sessions_on(day) for day in trading_days(market, today - ONE_DAY))
    midnight = datetime.combine(today, datetime.min.time(), tzinfo=IST)
    return next((sessions[-1].closes for sessions in earlier if sessions), midnight)
