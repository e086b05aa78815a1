from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from brokers.market.calendar import hours_of, market_of, published_holidays
from brokers.market.hours import Hours
from brokers.models import MarketDay
from gateway.models import Gateway
from gateway.values.timestamps import IST

NSE = Gateway(is_test=True, market_hours="nse")


def ist(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=IST)  # type: ignore[misc,arg-type]  # five numbers and no more


class TestPublishedHolidays:
    def test_are_those_of_the_exchange(self) -> None:
        assert {date(2026, 1, 26), date(2026, 4, 3), date(2026, 11, 24)} <= published_holidays(2026)

    @pytest.mark.parametrize("day", [date(2027, 1, 26), date(2028, 8, 15), date(2035, 1, 26)])
    def test_include_the_fixed_ones_of_years_that_the_exchange_has_not_published(self, day: date) -> None:
        assert day in published_holidays(day.year)


class TestHoursOf:
    @pytest.mark.parametrize(
        ("is_test", "own", "installation", "hours"),
        [
            (True, "", "nse", Hours.ALWAYS),
            (True, "nse", "always", Hours.NSE),
            (True, "closed", "always", Hours.CLOSED),
            (True, "always", "nse", Hours.ALWAYS),
            (False, "", "nse", Hours.NSE),
            (False, "", "always", Hours.ALWAYS),
            (False, "nse", "always", Hours.NSE),
        ],
    )
    def test_are_its_own_or_its_kinds(
        self, settings: Any, is_test: bool, own: str, installation: str, hours: Hours
    ) -> None:
        settings.MARKET_HOURS = installation

        assert hours_of(Gateway(is_test=is_test, market_hours=own)) is hours


class TestMarketOf:
    def test_is_shut_on_a_published_holiday(self, db: None) -> None:
        at = ist(2026, 1, 26, 12, 0)

        assert not market_of(NSE, now=at).is_open(at)

    def test_is_shut_on_a_day_that_operators_added(self, db: None) -> None:
        MarketDay.objects.create(day=date(2026, 11, 20), note="Election day")
        at = ist(2026, 11, 20, 12, 0)

        assert not market_of(NSE, now=at).is_open(at)

    def test_is_open_for_a_special_session_on_a_holiday(self, db: None) -> None:
        MarketDay.objects.create(day=date(2026, 1, 26), opens=time(10, 0), closes=time(11, 0))
        at = ist(2026, 1, 26, 10, 30)

        assert market_of(NSE, now=at).is_open(at)

    def test_looks_over_the_turn_of_the_year(self, db: None) -> None:
        MarketDay.objects.create(day=date(2027, 1, 1))
        eve = ist(2026, 12, 31, 16, 0)

        assert market_of(NSE, now=eve).next_open(eve) == ist(2027, 1, 4, 9, 15)

    def test_counts_years_in_india(self, db: None) -> None:
        MarketDay.objects.create(day=date(2028, 1, 3))
        utc_eve = datetime(2026, 12, 31, 19, 0, tzinfo=UTC)  # 2027 in India

        assert date(2028, 1, 3) in market_of(NSE, now=utc_eve).exceptions

    @pytest.mark.parametrize("hours", ["always", "closed"])
    def test_asks_nothing_where_the_hours_are_fixed(
        self, db: None, django_assert_num_queries: DjangoAssertNumQueries, now: datetime, hours: str
    ) -> None:
        with django_assert_num_queries(0):
            market_of(Gateway(market_hours=hours), now=now)
