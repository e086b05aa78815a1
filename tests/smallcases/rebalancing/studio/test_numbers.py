"""How the studio writes weights and rupees."""

from decimal import Decimal

import pytest

from smallcases.templatetags.studio import FIGURE_WIDE, POINT_WIDE, aligned, rupees


@pytest.mark.parametrize(
    ("weight", "shown"),
    [
        (Decimal("17.0732"), "17.0732"),
        (Decimal("7.3170"), "7.317" + FIGURE_WIDE),
        (Decimal("18.0000"), "18" + POINT_WIDE + 4 * FIGURE_WIDE),
    ],
)
def test_points_of_weights_stand_below_each_other(weight: Decimal, shown: str) -> None:
    assert aligned(weight) == shown


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(Decimal("77623.911"), "₹77,623.91"), (Decimal("1234567"), "₹12,34,567.00"), (Decimal(-5), "−₹5.00")],
)
def test_rupees_are_grouped_as_at_the_desk(amount: Decimal, shown: str) -> None:
    assert rupees(amount) == shown


def test_what_is_not_known_says_so() -> None:
    assert rupees(None) == "unknown"
