from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.transaction import atomic
from pytest_django import DjangoAssertNumQueries

from brokers.market.calendar import hours_of, market_of, published_days, published_holidays
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


class TestPublishedDays:
    @pytest.mark.parametrize(
        ("day", "sessions"),
        [
            (date(2024, 3, 2), ["09:15", "10:00", "11:30", "12:30"]),
            (date(2024, 5, 18), ["09:15", "10:00", "11:30", "12:30"]),
            (date(2026, 2, 1), ["09:15", "15:30"]),
            (date(2026, 11, 8), ["18:00", "19:00"]),
            (date(2026, 1, 15), []),
            (date(2023, 6, 28), ["09:15", "15:30"]),
        ],
    )
    def test_have_the_sessions_that_nse_announced(self, day: date, sessions: list[str]) -> None:
        found = published_days(day.year)[day]

        assert [f"{at:%H:%M}" for times in found.sessions for at in times] == sessions
        assert found.is_confirmed

    def test_are_estimated_where_the_moon_decides(self) -> None:
        estimated = {day for day, one in published_days(2027).items() if one.is_estimated}

        assert estimated == {date(2027, 3, 10), date(2027, 5, 17), date(2027, 6, 16)}
        assert published_days(2027)[date(2027, 3, 10)].note == "Eid al-Fitr"

    def test_of_a_year_that_nse_has_published_are_all_confirmed(self) -> None:
        assert all(one.is_confirmed and not one.is_estimated for one in published_days(2026).values())


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

    def test_is_open_in_each_session_of_a_day(self, db: None) -> None:
        for opens, closes in ((time(11, 30), time(12, 30)), (time(9, 15), time(10))):
            MarketDay.objects.create(day=date(2026, 11, 21), opens=opens, closes=closes)
        moments = [ist(2026, 11, 21, *clock) for clock in ((9, 30), (10, 30), (12, 0))]

        assert [market_of(NSE, now=at).is_open(at) for at in moments] == [True, False, True]

    def test_forgets_a_published_session_on_a_day_with_rows(self, db: None) -> None:
        MarketDay.objects.create(day=date(2026, 11, 8), note="Cancelled")
        at = ist(2026, 11, 8, 18, 30)

        assert not market_of(NSE, now=at).is_open(at)

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


class TestMarketDay:
    @pytest.fixture(autouse=True)
    def one_session(self, db: None) -> None:
        MarketDay.objects.create(day=date(2026, 11, 21), opens=time(9, 15), closes=time(10))

    @pytest.mark.parametrize(
        ("opens", "closes"),
        [(time(9), time(9, 16)), (time(9, 59), time(11)), (time(9, 20), time(9, 30)), (None, None)],
    )
    def test_that_overlaps_another_is_refused_by_the_form_and_the_database(
        self, opens: time | None, closes: time | None
    ) -> None:
        row = MarketDay(day=date(2026, 11, 21), opens=opens, closes=closes)

        with pytest.raises(ValidationError, match="must not overlap"):
            row.full_clean()
        with pytest.raises(IntegrityError, match="sessions_of_a_day_do_not_overlap"), atomic():
            row.save()

    def test_after_a_holiday_is_refused(self) -> None:
        MarketDay.objects.create(day=date(2026, 11, 20))
        row = MarketDay(day=date(2026, 11, 20), opens=time(9), closes=time(10))

        with pytest.raises(ValidationError, match="must not overlap"):
            row.full_clean()
        with pytest.raises(IntegrityError, match="sessions_of_a_day_do_not_overlap"), atomic():
            row.save()

    def test_that_begins_when_another_ends_is_accepted(self) -> None:
        row = MarketDay(day=date(2026, 11, 21), opens=time(10), closes=time(11))

        row.full_clean()
        row.save()
        row.full_clean()

        assert MarketDay.objects.count() == 2

    @pytest.mark.parametrize(("opens", "closes"), [(time(9), None), (None, time(9)), (time(9), time(9))])
    def test_needs_both_times_in_their_order_or_none(self, opens: time | None, closes: time | None) -> None:
        with pytest.raises(IntegrityError, match="both_times_or_none"), atomic():
            MarketDay.objects.create(day=date(2026, 11, 20), opens=opens, closes=closes)
