"""Imports market days that a file lists. Running it twice changes nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.transaction import atomic

from brokers.market.calendar import ExceptionalDay, exceptional_days
from brokers.market.hours import CLOSES, OPENS
from brokers.market.market_days.market_day_files import LONGEST_NOTE, ListedDay, MarketDayFile
from brokers.models import MarketDay
from gateway.audit.trail import Actor

REGULAR: Final = ((OPENS, CLOSES),)


@dataclass(frozen=True, slots=True)
class MarketDayImport:
    """Days to write, and sentences about days that need a look."""

    changes: Mapping[date, ListedDay]
    remarks: Sequence[str]


def plan_import(file: MarketDayFile) -> MarketDayImport:
    """What an import would change, against the calendar as it is. One query."""
    known = exceptional_days({day.year for day in file.days})
    if not file.whole_years:
        return MarketDayImport({d: one for d, one in file.days.items() if _differs(known.get(d), one)}, ())
    holidays = {day: one for day, one in file.days.items() if _becomes_holiday(known.get(day))}
    wrong = [one for day, one in known.items() if one.day not in file.days and day.year in file.whole_years]
    traded = {
        one.day: ListedDay(REGULAR, f"Not in NSE's list: {one.note}"[:LONGEST_NOTE])
        for one in wrong
        if not one.is_confirmed
    }
    return MarketDayImport(dict(sorted({**holidays, **traded}.items())), tuple(_remarks(file, known, wrong)))


def apply_import(plan: MarketDayImport, *, by: Actor) -> None:
    """Replaces the rows of the days that change: all or nothing."""
    if not plan.changes:
        return
    with atomic(durable=True):
        MarketDay.objects.filter(day__in=plan.changes).delete()
        MarketDay.objects.bulk_create(row for day, one in plan.changes.items() for row in _rows(day, one))
        by.record(
            "import market days",
            f"{len(plan.changes)} days",
            after={"days": [told(day, one) for day, one in plan.changes.items()]},
        )


def told(day: date, one: ListedDay) -> str:
    """A line such as 2027-03-02 09:15–10:00, 11:30–12:30 Disaster recovery test."""
    hours = ", ".join(f"{opens:%H:%M}–{closes:%H:%M}" for opens, closes in one.sessions) or "holiday"
    return f"{day:%Y-%m-%d %a} {hours} {one.note}".rstrip()


def _differs(known: ExceptionalDay | None, listed: ListedDay) -> bool:
    return known is None or not known.is_confirmed or known.sessions != listed.sessions


def _becomes_holiday(known: ExceptionalDay | None) -> bool:
    """A special session stays: NSE lists the day of Muhurat trading as a holiday. Regular hours do not."""
    return known is None or not known.is_confirmed or known.sessions == REGULAR


def _remarks(
    file: MarketDayFile, known: Mapping[date, ExceptionalDay], unlisted: Sequence[ExceptionalDay]
) -> Iterator[str]:
    for day in file.days:
        if (one := known.get(day)) and one.sessions not in {(), REGULAR}:
            yield f"{day} keeps its special session: {one.note or 'no note'}."
    for one in unlisted:
        if one.is_confirmed and not one.sessions:
            yield f"{one.day} is a holiday in the calendar and not in the list: {one.note or 'no note'}."


def _rows(day: date, one: ListedDay) -> list[MarketDay]:
    times = one.sessions or ((None, None),)
    return [MarketDay(day=day, opens=opens, closes=closes, note=one.note) for opens, closes in times]
