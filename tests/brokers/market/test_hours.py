"""NSE's session to the minute, in IST; 20 November 2026 is a Friday."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from brokers.market.calendar import published_holidays
from brokers.market.hours import AmoWindow, Hours, Market, Session
from gateway.values.timestamps import IST

HOLIDAYS = published_holidays(2026)
NSE = Market(Hours.NSE, dict.fromkeys(HOLIDAYS, ()))
TWO_SESSIONS = Market(
    Hours.NSE, {date(2024, 3, 2): [(time(9, 15), time(10)), (time(11, 30), time(12, 30))]}
)  # a Saturday
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
        muhurat = Market(Hours.NSE, {date(2026, 11, 8): [(time(18, 0), time(19, 0))]})  # a Sunday

        assert [muhurat.is_open(ist("2026-11-08", clock)) for clock in ("12:00", "18:00", "18:59", "19:00")] == [
            False,
            True,
            True,
            False,
        ]

    @pytest.mark.parametrize(
        ("clock", "is_open"),
        [("09:14", False), ("09:15", True), ("10:00", False), ("11:29", False), ("11:30", True), ("12:30", False)],
    )
    def test_in_each_session_of_a_day_and_not_between(self, clock: str, is_open: bool) -> None:
        assert TWO_SESSIONS.is_open(ist("2024-03-02", clock)) is is_open

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

    @pytest.mark.parametrize(("clock", "opens"), [("08:00", "09:15"), ("10:00", "11:30"), ("11:45", "11:45")])
    def test_is_that_of_the_next_session_of_the_day(self, clock: str, opens: str) -> None:
        assert TWO_SESSIONS.next_open(ist("2024-03-02", clock)) == ist("2024-03-02", opens)

    def test_follows_the_last_session_of_the_day(self) -> None:
        assert TWO_SESSIONS.next_open(ist("2024-03-02", "12:30")) == ist("2024-03-04", "09:15")

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
            (NSE, ist("2026-11-20", "16:00"), ist("2026-11-20", "15:30")),
            (TWO_SESSIONS, ist("2024-03-02", "09:20"), ist("2024-03-02", "10:00")),
            (TWO_SESSIONS, ist("2024-03-02", "10:00"), ist("2024-03-02", "12:30")),
            (ALWAYS, ist("2026-11-21", "10:00"), ist("2026-11-22", "00:00")),
            (ALWAYS, ist("2026-11-21", "00:00"), ist("2026-11-22", "00:00")),
            (CLOSED, ist("2026-11-20", "10:00"), ist("2026-11-21", "00:00")),
        ],
    )
    def test_is_the_end_of_the_session_or_of_the_day(self, market: Market, at: datetime, closes: datetime) -> None:
        assert market.closing(at) == closes


class TestAmoFrom:
    WINDOW = AmoWindow(opens=time(15, 45), closes=time(8, 57))

    @pytest.mark.parametrize(
        ("at", "begins"),
        [
            (ist("2026-11-20", "08:56"), ist("2026-11-20", "08:56")),
            (ist("2026-11-20", "08:57"), ist("2026-11-20", "15:45")),
            (ist("2026-11-20", "09:15") - MICRO, ist("2026-11-20", "15:45")),
            (ist("2026-11-20", "15:30"), ist("2026-11-20", "15:45")),
            (ist("2026-11-20", "15:45"), ist("2026-11-20", "15:45")),
            (ist("2026-11-21", "09:00"), ist("2026-11-21", "09:00")),
            (ist("2026-11-24", "12:00"), ist("2026-11-24", "12:00")),
        ],
    )
    def test_pauses_around_the_session_and_on_no_day_without_one(self, at: datetime, begins: datetime) -> None:
        assert NSE.amo_from(at, self.WINDOW) == begins

    @pytest.mark.parametrize(
        ("clock", "begins"),
        [("09:00", "10:15"), ("10:00", "10:15"), ("11:00", "11:00"), ("11:12", "12:45"), ("12:44", "12:45")],
    )
    def test_pauses_around_each_session_of_a_day(self, clock: str, begins: str) -> None:
        assert TWO_SESSIONS.amo_from(ist("2024-03-02", clock), self.WINDOW) == ist("2024-03-02", begins)

    def test_is_now_where_no_session_is_known(self) -> None:
        at = ist("2026-11-20", "15:31")

        assert CLOSED.amo_from(at, self.WINDOW) == at


class TestSessionsOn:
    def test_is_in_utc(self) -> None:
        assert NSE.sessions_on(date(2026, 11, 20)) == (
            Session(datetime(2026, 11, 20, 3, 45, tzinfo=UTC), datetime(2026, 11, 20, 10, 0, tzinfo=UTC)),
        )
