from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pytest_django import DjangoAssertNumQueries

from brokers.market.price_overrides import override_price
from brokers.market.quotes import quotes
from tests import make


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

    def test_have_the_close_of_a_session_that_a_later_override_leaves_alone(
        self, instruments: None, now: datetime
    ) -> None:
        gateway, close = make.gateway(), now - timedelta(hours=18)
        plain = quotes(gateway.pk, ["INFY"])["INFY"].close(close)
        override_price(gateway=gateway, ticker="INFY", price=Decimal(2_000), now=now)
        pinned = quotes(gateway.pk, ["INFY"])["INFY"]

        assert (pinned.close(close), pinned.close(now)) == (plain, Decimal(2_000))
