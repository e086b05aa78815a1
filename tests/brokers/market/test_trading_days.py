"""Trading days counted back over weekends and holidays."""

from datetime import UTC, date, datetime

import pytest

from brokers.market.hours import Hours, Market
from brokers.market.trading_days import previous_close_at, settlement_days

# 20 November 2026 is a Friday; the Tuesday after is a holiday.
NSE = Market(Hours.NSE, {date(2026, 11, 24): ()})


def at(day: int, hour: int = 6) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


class TestSettlementDays:
    @pytest.mark.parametrize(
        ("today", "unsettled_from"),
        [(20, 19), (21, 19), (22, 19), (23, 20), (24, 20), (25, 23), (26, 25)],
    )
    def test_count_trading_days(self, today: int, unsettled_from: int) -> None:
        days = settlement_days(NSE, at(today))

        assert (days.today.day, days.unsettled_from.day) == (today, unsettled_from)

    @pytest.mark.parametrize("hours", [Hours.ALWAYS, Hours.CLOSED])
    def test_are_all_days_without_the_exchanges_hours(self, hours: Hours) -> None:
        assert settlement_days(Market(hours), at(23)).unsettled_from == date(2026, 11, 22)

    def test_begin_at_midnight_in_india(self) -> None:
        assert settlement_days(NSE, at(19, 19)).today == date(2026, 11, 20)


class TestPreviousCloseAt:
    @pytest.mark.parametrize(("today", "day"), [(20, 19), (22, 20), (23, 20), (25, 23)])
    def test_is_the_end_of_the_last_session_before_the_day(self, today: int, day: int) -> None:
        assert previous_close_at(NSE, at(today)) == datetime(2026, 11, day, 10, tzinfo=UTC)

    def test_is_midnight_in_a_market_that_is_always_open(self) -> None:
        assert previous_close_at(Market(Hours.ALWAYS), at(20)) == datetime(2026, 11, 19, 18, 30, tzinfo=UTC)
