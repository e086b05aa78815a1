"""Each statement finds what the equivalent queryset finds."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.db.models import F, FilteredRelation, Q

from brokers import sql
from brokers.models import Instrument, PriceOverride
from gateway.models import Gateway
from tests import make

SYMBOLS = ["TCS", "INFY", "ITC", "NOSUCH", "INFY"]


@pytest.fixture
def gateway(instruments: None, now: datetime) -> Gateway:
    """INFY is pinned here, TCS at another gateway."""
    here, elsewhere = make.gateway(), make.gateway()
    for gateway, symbol, price in ((here, "INFY", "1500.50"), (elsewhere, "TCS", "1.05"), (elsewhere, "INFY", "2.00")):
        instrument = Instrument.objects.get(symbol=symbol)
        PriceOverride.objects.create(gateway=gateway, instrument=instrument, price=Decimal(price), set_at=now)
    return here


class TestPrices:
    def test_are_the_querysets(self, gateway: Gateway) -> None:
        pinned = FilteredRelation("price_overrides", condition=Q(price_overrides__gateway=gateway))
        rows = Instrument.objects.filter(symbol__in=SYMBOLS).annotate(pinned=pinned).order_by("symbol")
        columns = (
            "symbol",
            "reference_price",
            "tick_size",
            "name",
            "kind",
            "sector",
            "priced_on",
            "series",
            "price_band",
        )
        expected = rows.values_list(*columns, F("pinned__price"), F("pinned__set_at"))

        found = sorted(sql.prices(gateway.pk, SYMBOLS))

        assert [repr(tuple(row)) for row in found] == list(map(repr, expected))
        assert [(symbol, pin) for symbol, *_, pin, _ in found] == [
            ("INFY", Decimal("1500.50")),
            ("ITC", None),
            ("TCS", None),
        ]

    def test_of_nothing_are_none(self, gateway: Gateway) -> None:
        assert sql.prices(gateway.pk, []) == []


class TestTradable:
    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_are_the_querysets(self, instruments: None, count: int) -> None:
        Instrument.objects.filter(symbol__in=["TCS", "INFY", "WIPRO"][:count]).update(tradable=False)
        expected = dict(Instrument.objects.filter(symbol__in=SYMBOLS).values_list("symbol", "tradable"))

        assert sql.tradable(SYMBOLS) == expected
        assert list(expected.values()).count(False) == min(count, 2)
