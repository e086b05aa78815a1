"""Order limits and slices: a large order is cut into full slices and a rest, and no fill belongs to two of them."""

from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.ports.order_limits import OrderLimit, slice_sizes, split_at_slices

LIMIT = OrderLimit(shares=100_000, rupees=Decimal(100_000_000))


class TestOrderLimit:
    @pytest.mark.parametrize(
        ("price", "shares"),
        [("1.00", 100_000), ("1000.00", 100_000), ("1000.01", 99_999), ("150000", 666), ("999999999.99", 1)],
    )
    def test_is_by_shares_and_by_value(self, price: str, shares: int) -> None:
        assert LIMIT.largest(Decimal(price)) == shares

    def test_reads_as_in_india(self) -> None:
        assert str(LIMIT) == "1,00,000 shares or ₹10,00,00,000"


class TestSliceSizes:
    @pytest.mark.parametrize(
        ("quantity", "sizes"), [(1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50]), (300, [100] * 3)]
    )
    def test_are_full_ones_and_the_rest(self, quantity: int, sizes: list[int]) -> None:
        assert slice_sizes(quantity, 100) == sizes


class TestSplitAtSlices:
    @given(st.lists(st.integers(1, 500), max_size=8), st.integers(1, 200), st.integers(0, 900))
    def test_leaves_no_fill_in_two_slices_and_loses_no_share(self, fills: list[int], largest: int, filled: int) -> None:
        """A second opinion: share by share."""
        one_by_one = [index for index, shares in enumerate(fills) for _ in range(shares)]
        expected = Counter((index, (filled + place) // largest) for place, index in enumerate(one_by_one))

        parts = list(split_at_slices(fills, largest, filled=filled))

        assert Counter({(index, number): shares for index, number, shares in parts}) == expected
        assert parts == sorted(parts, key=lambda part: part[:2])
