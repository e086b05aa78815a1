from datetime import date
from decimal import Decimal

import pytest

from brokers.market.charges.rates import ChargeClass, dated_rates, rates_on
from brokers.ports.broker import Side


class TestRates:
    def test_have_a_source_each(self) -> None:
        assert all(len(row.source) > 10 for row in dated_rates())

    @pytest.mark.parametrize(
        ("on", "charge", "rate"),
        [
            (date(2026, 2, 28), "EXCHANGE", "0.0000297"),
            (date(2026, 3, 1), "EXCHANGE", "0.0000307"),
            (date(2026, 2, 28), "IPFT", "0.000001"),
            (date(2026, 3, 1), "IPFT", "0"),
        ],
    )
    def test_of_the_exchange_change_on_the_first_of_march_2026(self, on: date, charge: str, rate: str) -> None:
        valid = [row for row in dated_rates() if row.charge == charge and row.valid_from <= on]

        assert valid[-1].rate == Decimal(rate)

    def test_take_the_first_row_for_earlier_days(self) -> None:
        earliest = rates_on(date(2000, 1, 1), ChargeClass.SHARE, Side.BUY)

        assert earliest == rates_on(date(2024, 10, 1), ChargeClass.SHARE, Side.BUY)

    @pytest.mark.parametrize(
        ("charge_class", "side", "stt", "stamp"),
        [
            (ChargeClass.SHARE, Side.BUY, "0.001", "0.00015"),
            (ChargeClass.SHARE, Side.SELL, "0.001", "0"),
            (ChargeClass.EQUITY_ETF, Side.BUY, "0", "0.00015"),
            (ChargeClass.EQUITY_ETF, Side.SELL, "0.00001", "0"),
            (ChargeClass.OTHER_ETF, Side.BUY, "0", "0.00015"),
            (ChargeClass.OTHER_ETF, Side.SELL, "0", "0"),
        ],
    )
    def test_differ_by_class_and_side(self, charge_class: ChargeClass, side: Side, stt: str, stamp: str) -> None:
        rates = rates_on(date(2026, 11, 2), charge_class, side)

        assert (rates.stt, rates.stamp, rates.exchange) == (Decimal(stt), Decimal(stamp), Decimal("0.0000307"))
