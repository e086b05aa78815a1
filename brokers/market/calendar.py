"""The market that a gateway uses: NSE's trading days and their sessions.

Three sources, the later ones first: rows that operators added or imported (MarketDay), the list shipped in
data/market_days.csv, and the holidays of the library `holidays`. The library computes future years. It calls dates of
the Islamic calendar estimated, since the moon decides them: NSE's list may differ by a day.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

import holidays
from django.conf import settings

from brokers.market.hours import Hours, Market, Times
from brokers.models import MarketDay
from gateway.models import Gateway
from gateway.values.timestamps import IST

SHIPPED: Final = Path(__file__).resolve().parents[1] / "data" / "market_days.csv"
ESTIMATED: Final = " (estimated)"  # the library's suffix


@dataclass(frozen=True, slots=True)
class ExceptionalDay:
    """A day whose sessions are not those of its weekday: none on a holiday. Times in IST.

    `is_confirmed`: NSE or an operator named the day; otherwise the library computed it.
    """

    day: date
    sessions: tuple[Times, ...]
    note: str
    is_confirmed: bool = True
    is_estimated: bool = False


def market_of(gateway: Gateway, *, now: datetime) -> Market:
    """Exceptions of the last year, this one and the next. Queries the database only if the hours are NSE's."""
    hours = hours_of(gateway)
    year = now.astimezone(IST).year
    return nse_market((year - 1, year, year + 1)) if hours is Hours.NSE else Market(hours)


def hours_of(gateway: Gateway) -> Hours:
    """The gateway's own hours, if set. Otherwise test gateways are always open and live ones follow MARKET_HOURS."""
    return Hours(gateway.market_hours or (Hours.ALWAYS if gateway.is_test else settings.MARKET_HOURS))


def nse_market(years: Iterable[int]) -> Market:
    return Market(Hours.NSE, {day: found.sessions for day, found in exceptional_days(years).items()})


def exceptional_days(years: Iterable[int]) -> dict[date, ExceptionalDay]:
    """By day, in order. One query."""
    years = tuple(years)
    published = {day: found for year in years for day, found in published_days(year).items()}
    rows = MarketDay.objects.filter(day__year__in=years).order_by("day", "opens")
    added = {day: _added(day, list(several)) for day, several in groupby(rows, attrgetter("day"))}
    return dict(sorted({**published, **added}.items()))


def published_holidays(year: int) -> frozenset[date]:
    return frozenset(day for day, found in published_days(year).items() if not found.sessions)


@lru_cache(maxsize=16)
def published_days(year: int) -> Mapping[date, ExceptionalDay]:
    """The library's holidays, corrected and confirmed by the shipped list. Without operators' rows."""
    computed = holidays.financial_holidays("XNSE", years=year)
    found = {day: _computed(day, name) for day, name in computed.items()}
    return {**found, **{day: one for day, one in _shipped().items() if day.year == year}}


@cache
def _shipped() -> Mapping[date, ExceptionalDay]:
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        by_day = groupby(csv.DictReader(file), lambda row: date.fromisoformat(row["day"]))
        return {day: _listed(day, list(rows)) for day, rows in by_day}


def _listed(day: date, rows: list[dict[str, str]]) -> ExceptionalDay:
    sessions = [(time.fromisoformat(row["opens"]), time.fromisoformat(row["closes"])) for row in rows if row["opens"]]
    return ExceptionalDay(day, tuple(sessions), rows[0]["note"])


def _computed(day: date, name: str) -> ExceptionalDay:
    is_estimated = ESTIMATED in name
    return ExceptionalDay(day, (), name.replace(ESTIMATED, ""), is_confirmed=False, is_estimated=is_estimated)


def _added(day: date, rows: list[MarketDay]) -> ExceptionalDay:
    sessions = [(row.opens, row.closes) for row in rows if row.opens and row.closes]
    return ExceptionalDay(day, tuple(sessions), rows[0].note)
