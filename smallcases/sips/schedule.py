"""A SIP's due dates, in IST. Dates are counted from the start, so a short month changes one date only. Pure."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from gateway.values.timestamps import IST

WEEKS: Final = {"1w": 1, "2w": 2}
MONTHS: Final = {"1m": 1, "3m": 3}
FREQUENCIES: Final = (*WEEKS, *MONTHS)


def nth_date(starts_on: date, frequency: str, n: int) -> date:
    """The date `n` periods after the start: 31 January + 1m is the last day of February, + 2m is 31 March."""
    if frequency in WEEKS:
        return starts_on + timedelta(weeks=WEEKS[frequency] * n)
    months = starts_on.month - 1 + MONTHS[frequency] * n
    year, month = starts_on.year + months // 12, months % 12 + 1
    return date(year, month, min(starts_on.day, monthrange(year, month)[1]))


def periods_after_doing(starts_on: date, frequency: str, done: int, today: date) -> int:
    """The first period after `done` with a date after `today`: several missed dates are due once, not once each."""
    periods = done + 1
    while nth_date(starts_on, frequency, periods) <= today:
        periods += 1
    return periods


def due_from(scheduled: date) -> datetime:
    """Midnight IST of the scheduled day, in UTC. A holiday moves the execution, not the schedule."""
    return datetime.combine(scheduled, time(0), tzinfo=IST).astimezone(UTC)


def ist_day(moment: datetime) -> date:
    return moment.astimezone(IST).date()
