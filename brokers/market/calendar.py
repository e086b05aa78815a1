"""The market that a gateway uses: NSE's published holidays and the days that operators have added."""

from datetime import date, datetime
from functools import lru_cache

import holidays
from django.conf import settings

from brokers.market.hours import Hours, Market
from brokers.models import MarketDay
from gateway.models import Gateway
from gateway.values.timestamps import IST


def market_of(gateway: Gateway, *, now: datetime) -> Market:
    """Holidays of this year and the next. Queries the database only if the hours are NSE's."""
    hours = hours_of(gateway)
    if hours is not Hours.NSE:
        return Market(hours)
    year = now.astimezone(IST).year
    days = MarketDay.objects.filter(day__year__in=(year, year + 1))
    added = {one.day: (one.opens, one.closes) if one.opens and one.closes else None for one in days}
    return Market(hours, {**dict.fromkeys(published_holidays(year) | published_holidays(year + 1)), **added})


def hours_of(gateway: Gateway) -> Hours:
    """The gateway's own hours, if set. Otherwise test gateways are always open and live ones follow MARKET_HOURS."""
    return Hours(gateway.market_hours or (Hours.ALWAYS if gateway.is_test else settings.MARKET_HOURS))


@lru_cache(maxsize=16)
def published_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.financial_holidays("XNSE", years=year))
