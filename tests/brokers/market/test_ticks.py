"""Ticks by price band: a second opinion on NSE's tables."""

from datetime import date
from decimal import Decimal

import pytest

from brokers.market.ticks import ends_its_month, tick_for


class TestTickFor:
    @pytest.mark.parametrize(
        ("kind", "price", "tick"),
        [
            ("STOCK", "0.01", "0.01"),
            ("STOCK", "249.99", "0.01"),
            ("STOCK", "250", "0.05"),
            ("STOCK", "250.05", "0.05"),
            ("STOCK", "1000", "0.05"),
            ("STOCK", "1000.05", "0.10"),
            ("STOCK", "5000", "0.10"),
            ("STOCK", "5000.10", "0.50"),
            ("STOCK", "10000", "0.50"),
            ("STOCK", "20000", "1.00"),
            ("STOCK", "20000.01", "5.00"),
            ("ETF", "20000.01", "0.01"),
            ("REIT", "300", "0.01"),
            ("INVIT", "300", "0.01"),
        ],
    )
    def test_follows_the_exchanges_table(self, kind: str, price: str, tick: str) -> None:
        assert tick_for(kind, Decimal(price)) == Decimal(tick)

    @pytest.mark.parametrize(
        ("on", "price", "tick"),
        [
            (date(2024, 6, 9), "100", "0.05"),
            (date(2024, 6, 10), "100", "0.01"),
            (date(2025, 4, 14), "6000", "0.05"),
            (date(2025, 4, 15), "6000", "0.50"),
        ],
    )
    def test_uses_the_table_of_its_day(self, on: date, price: str, tick: str) -> None:
        assert tick_for("STOCK", Decimal(price), on=on) == Decimal(tick)


class TestEndsItsMonth:
    @pytest.mark.parametrize(
        ("day", "is_last"),
        [
            (date(2026, 11, 30), True),
            (date(2026, 11, 27), False),
            (date(2026, 10, 30), True),  # a Friday: the 31st is a Saturday
            (date(2026, 10, 29), False),
            (date(2026, 12, 31), True),
            (date(2026, 12, 1), False),
            (date(2026, 3, 30), True),  # Mahavir Jayanti is on the 31st
        ],
    )
    def test_is_true_for_the_last_trading_day(self, day: date, is_last: bool) -> None:
        assert ends_its_month(day) is is_last
