"""Market hours. IST has no daylight saving; NSE's continuous session is 09:15–15:30 (nseindia.com)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from gateway.values.timestamps import IST

OPENS: Final = time(9, 15)
CLOSES: Final = time(15, 30)
SATURDAY: Final = 5
HORIZON: Final = 30  # days; no market has been closed for longer


class Hours(StrEnum):
    ALWAYS = "always"
    NSE = "nse"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Session:
    """Open from `opens` until just before `closes`; both UTC."""

    opens: datetime
    closes: datetime

    def holds(self, at: datetime) -> bool:
        return self.opens <= at < self.closes


@dataclass(frozen=True, slots=True)
class Market:
    """Regular hours, and exceptions by day: None is a holiday, a pair of IST times a special session."""

    hours: Hours
    exceptions: Mapping[date, tuple[time, time] | None] = field(default_factory=dict)

    def is_open(self, at: datetime) -> bool:
        session = self.session_on(_day(at))
        return session is not None and session.holds(at)

    def next_open(self, at: datetime) -> datetime | None:
        """The first open moment at or after `at`; None if there is none within HORIZON days."""
        for days in range(HORIZON):
            session = self.session_on(_day(at) + timedelta(days=days))
            if session is not None and at < session.closes:
                return max(at, session.opens)
        return None

    def closing(self, at: datetime) -> datetime:
        """When a DAY order that is live at `at` lapses: at the end of the day's session, or at midnight without one."""
        session = self.session_on(_day(at))
        return session.closes if session else _utc(_day(at) + timedelta(days=1), time(0))

    def session_on(self, day: date) -> Session | None:
        if self.hours is Hours.CLOSED:
            return None
        if self.hours is Hours.ALWAYS:
            return Session(_utc(day, time(0)), _utc(day + timedelta(days=1), time(0)))
        times = self.exceptions.get(day, None if day.weekday() >= SATURDAY else (OPENS, CLOSES))
        return Session(_utc(day, times[0]), _utc(day, times[1])) if times else None


def _day(at: datetime) -> date:
    return at.astimezone(IST).date()


def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=IST).astimezone(UTC)
