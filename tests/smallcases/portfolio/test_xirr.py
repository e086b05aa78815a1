"""The yearly return of irregular cash flows."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcases.portfolio.xirr import YEAR, xirr
from tests.examples import examples

FIRST = date(2026, 1, 1)


def flows(*amounts: tuple[int, int]) -> list[tuple[date, Decimal]]:
    return [(FIRST + timedelta(days=days), Decimal(rupees)) for days, rupees in amounts]


class TestAYearlyReturn:
    @pytest.mark.parametrize(
        ("moved", "per_cent"),
        [
            ([(0, -100), (365, 110)], "10.00"),
            ([(0, -100), (365, 100)], "0.00"),
            ([(0, -100), (730, 121)], "10.00"),
            ([(0, -100), (365, 50)], "-50.00"),
            ([(365, 110), (0, -100)], "10.00"),
        ],
    )
    def test_is_the_rate_of_money_that_grows_every_year(self, moved: list[tuple[int, int]], per_cent: str) -> None:
        assert xirr(flows(*moved)) == Decimal(per_cent)

    def test_is_what_the_example_of_excels_documentation_says(self) -> None:
        days = (date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15), date(2009, 4, 1))
        amounts = (-10_000, 2_750, 4_250, 3_250, 2_750)

        assert xirr([(day, Decimal(amount)) for day, amount in zip(days, amounts, strict=True)]) == Decimal("37.34")

    @settings(max_examples=examples(30, long=1_000), deadline=None)
    @given(st.floats(-0.9, 5), st.lists(st.tuples(st.integers(0, 900), st.integers(1, 10**6)), min_size=1, max_size=12))
    def test_discounts_all_payments_to_what_was_taken_out(self, rate: float, paid: list[tuple[int, int]]) -> None:
        taken = sum(amount * (1 + rate) ** ((1_000 - day) / YEAR) for day, amount in paid)

        found = xirr([*flows(*((day, -amount) for day, amount in paid)), (FIRST + timedelta(1_000), Decimal(taken))])

        assert found is not None
        assert abs(float(found) / 100 - rate) < 1e-3 * (1 + rate)


class TestNoYearlyReturn:
    @pytest.mark.parametrize(
        "moved",
        [[], [(0, -100)], [(0, -100), (10, -5)], [(0, 100), (10, 5)], [(5, -100), (5, 101)], [(0, -1), (1, 10**9)]],
        ids=["no flow", "one flow", "only paid", "only taken", "all on one day", "beyond a million times a year"],
    )
    def test_is_found_for(self, moved: list[tuple[int, int]]) -> None:
        assert xirr(flows(*moved)) is None
