"""How the desk writes prices."""

from decimal import Decimal

import pytest

from transactions.templatetags.desk import price


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
