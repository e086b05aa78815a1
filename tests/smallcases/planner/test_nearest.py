"""Both methods beside an exhaustive search, and beside each other."""

from collections.abc import Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smallcases.planner import nearest
from smallcases.planner.nearest import nearest_subset
from tests.examples import examples

often = settings(max_examples=examples(60, long=1_000), deadline=None)
SIZES = st.lists(st.integers(1, 30) | st.integers(1, 20_000), min_size=1, max_size=9)
HUGE = 10**9


def sum_of(sizes: Sequence[int], chosen: set[int]) -> int:
    return sum(sizes[index] for index in chosen)


def exhaustive(sizes: Sequence[int], goal: Fraction, *, all_allowed: bool) -> tuple[Fraction, int]:
    """The least distance, and the smaller sum of those."""
    every = (1 << len(sizes)) - 1
    sums = [
        sum(size for index, size in enumerate(sizes) if chosen >> index & 1) for chosen in range(every + all_allowed)
    ]
    return min((abs(goal - one), one) for one in sums)


class TestNearestSubset:
    @pytest.mark.parametrize("few", [0, nearest.FEW], ids=["bit by bit", "in two halves"])
    @often
    @given(SIZES, st.integers(0, 10**6), st.booleans())
    def test_is_as_near_as_any_subset(self, few: int, sizes: list[int], part: int, all_allowed: bool) -> None:
        goal = Fraction(sum(sizes)) * Fraction(part, 10**6 + 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nearest, "FEW", few)
            chosen = nearest_subset(sizes, goal, all_allowed=all_allowed)

        found = sum_of(sizes, chosen)
        assert (abs(goal - found), found) == exhaustive(sizes, goal, all_allowed=all_allowed)
        assert all_allowed or len(chosen) < len(sizes)

    @pytest.mark.parametrize("few", [0, nearest.FEW])
    def test_prefers_late_indexes_among_equal_sums(self, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(nearest, "FEW", few)

        assert nearest_subset([7, 7, 7, 7], Fraction(13), all_allowed=True) == {2, 3}

    def test_is_the_same_by_both_methods(self, monkeypatch: pytest.MonkeyPatch) -> None:
        random = Random(4)
        sizes = [random.randint(100, 200_000) for _ in range(20)]
        goal = Fraction(sum(sizes) * 3, 7)
        halves = sum_of(sizes, nearest_subset(sizes, goal, all_allowed=False))
        monkeypatch.setattr(nearest, "FEW", 0)

        assert sum_of(sizes, nearest_subset(sizes, goal, all_allowed=False)) == halves

    def test_of_fifty_dear_ones_is_off_by_less_than_four_millionths_of_their_total(self) -> None:
        random = Random(5)
        sizes = [random.randint(1, HUGE) for _ in range(50)]
        goal = Fraction(sum(sizes), 3)

        chosen = nearest_subset(sizes, goal, all_allowed=False)

        assert abs(goal - sum_of(sizes, chosen)) * 1_000_000 < 4 * sum(sizes)
