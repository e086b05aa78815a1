"""NSE's session to the minute, in IST; 20 November 2026 is a Friday."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from brokers.market.calendar import published_holidays
from brokers.market.hours import Hours, Market, Session
from gateway.values.timestamps import IST

HOLIDAYS = published_holidays(2026)
NSE = Market(Hours.NSE, dict.fromkeys(HOLIDAYS))
ALWAYS, CLOSED = Market(Hours.ALWAYS), Market(Hours.CLOSED)
MICRO = timedelta(microseconds=1)


def ist(day: str, clock: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock), tzinfo=IST)


class TestIsOpen:
    @pytest.mark.parametrize(
        ("day", "clock", "is_open"),
        [
            ("2026-11-20", "00:00", False),
            ("2026-11-20", "09:14:59.999999", False),
            ("2026-11-20", "09:15", True),
            ("2026-11-20", "12:00", True),
            ("2026-11-20", "15:29:59.999999", True),
            ("2026-11-20", "15:30", False),
            ("2026-11-20", "23:59", False),
            ("2026-11-21", "12:00", False),
            ("2026-11-22", "12:00", False),
            ("2026-11-23", "12:00", True),
            ("2026-01-26", "12:00", False),
            ("2026-10-02", "12:00", False),
            ("2026-12-25", "12:00", False),
        ],
    )
    def test_is_as_the_exchange_says(self, day: str, clock: str, is_open: bool) -> None:
        assert NSE.is_open(ist(day, clock)) is is_open

    def test_goes_by_the_day_in_india(self) -> None:
        assert NSE.is_open(datetime(2026, 11, 20, 3, 45, tzinfo=UTC))

    def test_is_settled_by_the_calendar_on_a_day_that_it_names(self) -> None:
        muhurat = Market(Hours.NSE, {date(2026, 11, 8): (time(18, 0), time(19, 0))})  # a Sunday

        assert [muhurat.is_open(ist("2026-11-08", clock)) for clock in ("12:00", "18:00", "18:59", "19:00")] == [
            False,
            True,
            True,
            False,
        ]

    @pytest.mark.parametrize(("market", "is_open"), [(ALWAYS, True), (CLOSED, False)])
    @pytest.mark.parametrize("at", [ist("2026-11-22", "00:00"), ist("2026-01-26", "12:00"), ist("2026-11-20", "10:00")])
    def test_knows_no_day_where_the_hours_are_fixed(self, market: Market, is_open: bool, at: datetime) -> None:
        assert market.is_open(at) is is_open


class TestNextOpen:
    @pytest.mark.parametrize(
        ("at", "opens"),
        [
            (ist("2026-11-20", "08:00"), ist("2026-11-20", "09:15")),
            (ist("2026-11-20", "09:15"), ist("2026-11-20", "09:15")),
            (ist("2026-11-20", "15:30") - MICRO, ist("2026-11-20", "15:30") - MICRO),
            (ist("2026-11-20", "15:30"), ist("2026-11-23", "09:15")),
            (ist("2026-11-23", "16:00"), ist("2026-11-25", "09:15")),  # over Guru Nanak Jayanti
            (ist("2026-01-23", "15:30"), ist("2026-01-27", "09:15")),  # over a weekend and Republic Day
        ],
    )
    def test_is_the_first_open_moment(self, at: datetime, opens: datetime) -> None:
        assert NSE.next_open(at) == opens

    def test_is_now_where_the_market_never_closes(self) -> None:
        at = ist("2026-11-22", "03:00")

        assert ALWAYS.next_open(at) == at

    def test_never_comes_where_it_never_opens(self) -> None:
        assert CLOSED.next_open(ist("2026-11-20", "10:00")) is None


class TestClosing:
    @pytest.mark.parametrize(
        ("market", "at", "closes"),
        [
            (NSE, ist("2026-11-20", "10:00"), ist("2026-11-20", "15:30")),
            (NSE, ist("2026-11-21", "10:00"), ist("2026-11-22", "00:00")),
            (ALWAYS, ist("2026-11-21", "10:00"), ist("2026-11-22", "00:00")),
            (ALWAYS, ist("2026-11-21", "00:00"), ist("2026-11-22", "00:00")),
            (CLOSED, ist("2026-11-20", "10:00"), ist("2026-11-21", "00:00")),
        ],
    )
    def test_is_the_end_of_the_session_or_of_the_day(self, market: Market, at: datetime, closes: datetime) -> None:
        assert market.closing(at) == closes


class TestSessionOn:
    def test_is_in_utc(self) -> None:
        assert NSE.session_on(date(2026, 11, 20)) == Session(
            datetime(2026, 11, 20, 3, 45, tzinfo=UTC), datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
        )
