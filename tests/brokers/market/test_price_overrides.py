from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from brokers.market.price_overrides import override_price, remove_override
from brokers.market.quotes import quotes
from brokers.models import PriceOverride
from gateway.models import Gateway
from gateway.values.errors import Invalid, NotFound
from tests import make


@pytest.fixture
def gateway(instruments: None) -> Gateway:
    return make.gateway()


def price(gateway: Gateway, now: datetime) -> Decimal:
    return quotes(gateway.pk, ["INFY"])["INFY"].at(now)


class TestPin:
    def test_holds_the_price_in_place(self, gateway: Gateway, now: datetime) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal("999.90"), now=now)

        assert [price(gateway, now + timedelta(hours=hours)) for hours in (0, 1, 1_000)] == [Decimal("999.90")] * 3

    def test_is_replaced_by_the_next(self, gateway: Gateway, now: datetime) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal("999.90"), now=now)
        override_price(gateway=gateway, ticker="INFY", price=Decimal("888.80"), now=now)

        assert (price(gateway, now), PriceOverride.objects.count()) == (Decimal("888.80"), 1)

    def test_does_not_reach_another_gateway(self, gateway: Gateway, now: datetime) -> None:
        other = make.gateway()
        before = price(other, now)

        override_price(gateway=gateway, ticker="INFY", price=Decimal("999.90"), now=now)

        assert price(other, now) == before

    def test_off_tick_is_refused(self, gateway: Gateway, now: datetime) -> None:
        with pytest.raises(Invalid, match=r"multiple of the tick size, 0\.10"):
            override_price(gateway=gateway, ticker="INFY", price=Decimal("999.95"), now=now)

        assert not PriceOverride.objects.exists()

    def test_of_nothing_is_refused(self, gateway: Gateway, now: datetime) -> None:
        with pytest.raises(NotFound):
            override_price(gateway=gateway, ticker="NOSUCH", price=Decimal(1), now=now)

        assert not PriceOverride.objects.exists()


class TestUnpin:
    def test_returns_to_the_path(self, gateway: Gateway, now: datetime) -> None:
        path = price(gateway, now)
        override_price(gateway=gateway, ticker="INFY", price=Decimal("999.90"), now=now)

        assert remove_override(gateway=gateway, ticker="INFY", now=now) == path == price(gateway, now)

    def test_without_a_pin_changes_nothing(self, gateway: Gateway, now: datetime) -> None:
        assert remove_override(gateway=gateway, ticker="INFY", now=now) == price(gateway, now)

    def test_of_nothing_is_refused(self, gateway: Gateway, now: datetime) -> None:
        with pytest.raises(NotFound):
            remove_override(gateway=gateway, ticker="NOSUCH", now=now)
