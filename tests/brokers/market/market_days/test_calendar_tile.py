from datetime import date, datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from brokers.market.market_days.calendar_tile import CalendarStatus, calendar_status
from brokers.models import MarketDay
from gateway.values.timestamps import IST


def on(day: date) -> CalendarStatus:
    return calendar_status(now=datetime(day.year, day.month, day.day, 12, tzinfo=IST))


@pytest.mark.django_db
class TestCalendarStatus:
    def test_lists_the_next_days(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        with django_assert_num_queries(1):
            status = on(date(2026, 11, 24))

        assert [one.day for one in status.upcoming[:2]] == [date(2026, 11, 24), date(2026, 12, 25)]

    @pytest.mark.parametrize(("day", "warned"), [(date(2027, 3, 2), False), (date(2027, 3, 3), True)])
    def test_warns_of_an_estimated_day_a_week_ahead(self, day: date, warned: bool) -> None:
        assert [one.day for one in on(day).unconfirmed] == ([date(2027, 3, 10)] if warned else [])

    def test_does_not_warn_of_a_day_that_an_operator_confirmed(self) -> None:
        MarketDay.objects.create(day=date(2027, 3, 10))

        assert on(date(2027, 3, 3)).unconfirmed == []

    @pytest.mark.parametrize(
        ("day", "missing"),
        [(date(2026, 11, 30), []), (date(2026, 12, 1), [2027]), (date(2027, 1, 2), [2027]), (date(2027, 11, 30), [])],
    )
    def test_misses_the_list_of_the_next_year_in_december(self, day: date, missing: list[int]) -> None:
        """On 30 November 2027 no computed day of the year is left."""
        assert on(day).missing == missing


class TestTheConsole:
    def test_shows_the_calendar_on_its_home_page_and_with_the_market_days(self, admin_client: Client) -> None:
        for url in ("/admin/", "/admin/brokers/marketday/"):
            assert "Table of exceptional market days" in admin_client.get(url).content.decode()
