from decimal import Decimal

import pytest

from brokers.market.charges import TARIFFS
from brokers.market.charges.contract_note import brokerage_of
from brokers.market.charges.rates import ChargeClass, rates_on
from brokers.ports.broker import Side
from brokers.ports.registry import BROKERS
from tests.brokers.market.charges.published_examples import AFTER


class TestTariffs:
    def test_are_there_for_every_broker(self) -> None:
        assert TARIFFS.keys() == BROKERS.keys()

    @pytest.mark.parametrize(
        ("broker", "turnover", "brokerage"),
        [
            ("kite", "100000", "0.00"),
            ("dhan", "100000", "0.00"),
            ("groww", "100000", "20.00"),  # 0.1 % would be 100
            ("groww", "10000", "10.00"),
            ("groww", "1000", "5.00"),  # 0.1 % would be 1
            ("groww", "100", "2.50"),  # the ceiling is below the minimum
            ("angelbroking", "1000", "2.00"),
            ("upstox", "800", "20.00"),
            ("upstox", "799.99", "19.99"),  # the ceiling is 19.99975
            ("fivepaisa", "0.01", "0.00"),
            ("icici", "100000", "290.00"),
            ("hdfc", "100000", "500.00"),
        ],
    )
    def test_give_each_order_its_brokerage(self, broker: str, turnover: str, brokerage: str) -> None:
        rates = rates_on(AFTER, ChargeClass.SHARE, Side.BUY)

        assert str(brokerage_of(Decimal(turnover), TARIFFS[broker], rates)) == brokerage
