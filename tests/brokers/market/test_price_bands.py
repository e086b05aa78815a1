from decimal import Decimal

import pytest

from brokers.market.price_bands import price_range


class TestPriceRange:
    @pytest.mark.parametrize(("percent", "low", "high"), [(2, "98", "102"), (5, "95", "105"), (20, "80", "120")])
    def test_is_around_the_previous_close(self, percent: int, low: str, high: str) -> None:
        assert price_range(Decimal(100), percent) == (Decimal(low), Decimal(high))
