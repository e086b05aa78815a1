"""How the desk writes prices and times."""

from decimal import Decimal

import pytest

from transactions.templatetags.desk import moment, price


@pytest.mark.parametrize(
    ("of", "shown"),
    [
        (Decimal("1688.2500"), "₹1,688.25"),
        (Decimal("2438.3050"), "₹2,438.305"),
        ("123456", "₹1,23,456.00"),
        ("7.5", "₹7.50"),
        (None, "—"),
        ("", "—"),
    ],
)
def test_a_price_has_its_paise_and_no_idle_noughts(of: Decimal | str | None, shown: str) -> None:
    assert price(of) == shown


def test_the_time_of_a_report_is_indian() -> None:
    assert moment("2026-11-20T19:05:00.000Z") == "2026-11-21 00:35:00"
