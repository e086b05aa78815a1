"""Numbers as a person in India reads them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokers.ports.registry import BROKERS
from transactions.checkout.pages import indian_formats

MONDAY = datetime(2026, 11, 23, 3, 45, tzinfo=UTC)


class TestRupees:
    @pytest.mark.parametrize(
        ("amount", "text"),
        [
            ("0", "₹0.00"),
            ("5", "₹5.00"),
            ("999.995", "₹1,000.00"),
            ("1000", "₹1,000.00"),
            ("99999", "₹99,999.00"),
            ("100000", "₹1,00,000.00"),
            ("123456.78", "₹1,23,456.78"),
            ("12345678.9", "₹1,23,45,678.90"),
            ("1000000000000", "₹10,00,00,00,00,000.00"),
            ("-1234.5", "−₹1,234.50"),
            ("-0.001", "₹0.00"),
        ],
    )
    def test_are_grouped_in_lakhs_and_crores(self, amount: str, text: str) -> None:
        assert indian_formats.rupees(Decimal(amount)) == text


class TestCount:
    @pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (100000, "1,00,000"), (-1500, "−1,500")])
    def test_is_grouped_alike(self, number: int, text: str) -> None:
        assert indian_formats.count(number) == text


class TestTimes:
    def test_are_those_of_the_market(self) -> None:
        assert indian_formats.day_and_time(MONDAY) == "Mon 23 Nov, 09:15 IST"
        assert indian_formats.clock_time(MONDAY) == "09:15:00 IST"

    @pytest.mark.parametrize(("seconds", "text"), [(900, "15:00"), (61, "1:01"), (9, "0:09"), (-3, "0:00")])
    def test_left_count_down_to_nothing(self, seconds: int, text: str) -> None:
        assert indian_formats.left(seconds) == text


class TestMark:
    def test_is_two_letters_on_a_colour(self) -> None:
        marks = [indian_formats.mark(profile.key, profile.name) for profile in BROKERS.values()]

        assert {len(mark.letters) for mark in marks} == {2}
        assert {mark.fill for mark in marks} <= set(indian_formats.HUES)

    def test_is_the_same_everywhere(self) -> None:
        assert indian_formats.mark("hdfc", "HDFC Securities") == indian_formats.Mark(
            "HS", indian_formats.mark("hdfc", "H S").fill
        )

    @pytest.mark.parametrize("hue", indian_formats.HUES)
    def test_has_letters_that_stand_out(self, hue: str) -> None:
        """WCAG 2.2: contrast of 4.5 between white and the colour."""
        parts = [int(hue[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

        assert 1.05 / (luminance + 0.05) >= 4.5
