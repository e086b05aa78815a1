from decimal import Decimal

import pytest

from brokers.market.charges import Tariff, charges
from brokers.ports.broker import Side
from brokers.ports.registry import BROKERS
from tests.make import FREE

FLAT = Tariff(Decimal(1), Decimal(20))
TENTH = Tariff(Decimal("0.001"), Decimal(20))


class TestCharges:
    # By hand. On ₹100,000: STT 100, exchange 2.97, SEBI 0.10, stamp 15 (buys), GST 18 % of brokerage + 3.07.
    @pytest.mark.parametrize(
        ("tariff", "side", "turnover", "total"),
        [
            (FREE, Side.BUY, "100000", "118.62"),  # 118.07 + 0.5526
            (FREE, Side.SELL, "100000", "103.62"),  # 103.07 + 0.5526
            (FLAT, Side.BUY, "100000", "142.22"),  # 118.07 + 20 + 0.18 × 23.07
            (TENTH, Side.SELL, "100000", "127.22"),  # capped: 103.07 + 20 + 4.1526
            (TENTH, Side.BUY, "10000", "23.66"),  # 10 + 10 + 0.307 + 1.5 + 0.18 × 10.307
            (TENTH, Side.SELL, "0.01", "0.00"),
            (FLAT, Side.BUY, "0", "0.00"),
        ],
    )
    def test_are_exact_to_the_paisa(self, tariff: Tariff, side: Side, turnover: str, total: str) -> None:
        assert str(charges(tariff, side, Decimal(turnover))) == total


class TestTariffs:
    @pytest.mark.parametrize(
        ("key", "brokerage_on_a_lakh"),
        [("kite", "0"), ("dhan", "0"), ("groww", "20"), ("upstox", "20"), ("icici", "290"), ("hdfc", "500")],
    )
    def test_are_each_brokers_own(self, key: str, brokerage_on_a_lakh: str) -> None:
        tariff = BROKERS[key].tariff
        beyond = charges(tariff, Side.SELL, Decimal(100_000)) - charges(FREE, Side.SELL, Decimal(100_000))

        assert beyond == Decimal(brokerage_on_a_lakh) * Decimal("1.18")
