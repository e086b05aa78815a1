from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_django import DjangoAssertNumQueries

from brokers.market.quotes import quotes


class TestQuotes:
    def test_leave_out_what_is_not_in_the_catalogue(self, instruments: None) -> None:
        assert set(quotes(1, ["INFY", "NOSUCH"])) == {"INFY"}

    def test_are_one_query_for_any_basket(
        self, instruments: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            assert len(quotes(1, ["INFY", "TCS", "RELIANCE"])) == 3

    def test_follow_the_installations_seed(self, instruments: None, settings: Any, now: datetime) -> None:
        settings.MARKET_SEED = "gateway"
        one = quotes(1, ["INFY"])["INFY"].at(now)
        settings.MARKET_SEED = "another"

        assert (one, one != quotes(1, ["INFY"])["INFY"].at(now)) == (Decimal("1179.70"), True)
