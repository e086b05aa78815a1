"""Market hours and windows for after-market orders. IST has no daylight saving.

NSE's continuous session is 09:15–15:30 (nseindia.com).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from gateway.values.timestamps import IST

OPENS: Final = time(9, 15)
CLOSES: Final = time(15, 30)
SATURDAY: Final = 5
HORIZON: Final = 30  # days; no market has been closed for longer

Times = tuple[time, time]


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
class AmoWindow:
    """A broker accepts after-market orders from `opens`, after the regular session, to `closes`, before the next; IST.

    Brokers publish no times for special sessions: the same distances to a session's end and begin are assumed.
    """

    opens: time
    closes: time

    @property
    def pause_after(self) -> timedelta:
        return _between(CLOSES, self.opens)

    @property
    def pause_before(self) -> timedelta:
        return _between(self.closes, OPENS)


@dataclass(frozen=True, slots=True)
class Market:
    """Regular hours, and exceptions by day: the IST times of its sessions, in their order; none on a holiday."""

    hours: Hours
    exceptions: Mapping[date, Sequence[Times]] = field(default_factory=dict)

    def is_open(self, at: datetime) -> bool:
        return any(session.holds(at) for session in self.sessions_on(_day(at)))

    def next_open(self, at: datetime) -> datetime | None:
        """The first open moment at or after `at`; None if there is none within HORIZON days."""
        sessions = self._sessions(_day(at), HORIZON)
        return next((max(at, session.opens) for session in sessions if at < session.closes), None)

    def closing(self, at: datetime) -> datetime:
        """When a DAY order that is live at `at` lapses: with its session, or at midnight on a day without one.

        On 2 March and 18 May 2024 NSE cancelled the open orders of the first session at its end, and carried none
        into the second (Zerodha's bulletin on the session of 18 May 2024).
        """
        sessions = self.sessions_on(_day(at))
        last = sessions[-1].closes if sessions else _utc(_day(at) + timedelta(days=1), time(0))
        return next((session.closes for session in sessions if at < session.closes), last)

    def amo_from(self, at: datetime, window: AmoWindow) -> datetime:
        """The first moment at or after `at` that is in no session and in no pause of the broker around one."""
        for session in self._sessions(_day(at) - timedelta(days=1), 3):
            if session.opens - window.pause_before <= at < session.closes + window.pause_after:
                at = session.closes + window.pause_after
        return at

    def sessions_on(self, day: date) -> tuple[Session, ...]:
        """In their order; none if the market is closed on this day."""
        if self.hours is Hours.CLOSED:
            return ()
        if self.hours is Hours.ALWAYS:
            return (Session(_utc(day, time(0)), _utc(day + timedelta(days=1), time(0))),)
        regular = () if day.weekday() >= SATURDAY else ((OPENS, CLOSES),)
        return tuple(Session(_utc(day, opens), _utc(day, ends)) for opens, ends in self.exceptions.get(day, regular))

    def _sessions(self, first: date, days: int) -> Iterator[Session]:
        for number in range(days):
            yield from self.sessions_on(first + timedelta(days=number))


def _day(at: datetime) -> date:
    return at.astimezone(IST).date()


def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=IST).astimezone(UTC)


def _between(earlier: time, later: time) -> timedelta:
    return datetime.combine(date.min, later) - datetime.combine(date.min, earlier)
