"""Weights as they are typed: summed, spread, and told why they make no version."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallcases.catalogue.weights import WHOLE, Weighted
from smallcases.rebalancing.drafts import DraftLine, even, lines_of, scaled, total, weighted_of

THREE = [DraftLine("INFY", "50"), DraftLine("TCS", "30"), DraftLine("WIPRO", "20")]
WEIGHTS = st.decimals(min_value=Decimal("0.0001"), max_value=100, places=4).map(str)
TYPED = st.one_of(WEIGHTS, st.text(max_size=8))


def lines(*weights: str) -> list[DraftLine]:
    return [DraftLine(f"T{number}", weight) for number, weight in enumerate(weights)]


class TestWeightedOf:
    def test_gives_the_constituents_of_a_whole(self) -> None:
        taken, wrong = weighted_of(THREE)

        assert taken == [Weighted("INFY", Decimal(50)), Weighted("TCS", Decimal(30)), Weighted("WIPRO", Decimal(20))]
        assert wrong == []

    @pytest.mark.parametrize("typed", ["", "x", "NaN", "1e99999999", "Infinity", "5,5"])
    def test_says_what_is_no_number(self, typed: str) -> None:
        assert weighted_of([*THREE, DraftLine("ITC", typed)])[1][0].startswith("ITC: a weight must be above 0")

    def test_says_what_the_sum_is(self) -> None:
        assert weighted_of(THREE[:2])[1] == ["The weights sum to 80 %; they must sum to 100 %."]

    def test_rejects_a_name_given_twice(self) -> None:
        assert weighted_of([*THREE[:2], DraftLine("TCS", "20")])[1] == ["TCS is in the version 2 times."]


class TestTotal:
    def test_counts_what_is_a_weight(self) -> None:
        assert total(lines("0.1", "0.2", "", "-5", "NaN", "101", "1.00001")) == Decimal("0.3")


class TestSpreading:
    def test_gives_each_the_same_and_the_rest_to_the_first(self) -> None:
        assert [line.weight for line in even(THREE)] == ["33.3334", "33.3333", "33.3333"]

    def test_keeps_proportions(self) -> None:
        assert [line.weight for line in scaled(lines("10", "30"))] == ["25", "75"]

    def test_leaves_what_is_no_weight(self) -> None:
        assert [line.weight for line in scaled(lines("10", "?", "30"))] == ["25", "?", "75"]

    def test_leaves_alone_what_has_no_weight_at_all(self) -> None:
        assert scaled(lines("", "x")) == lines("", "x")
        assert even([]) == []

    @given(st.lists(TYPED, min_size=1, max_size=50))
    def test_sums_to_the_whole(self, typed: list[str]) -> None:
        given_lines = lines(*typed)

        assert total(even(given_lines)) == WHOLE
        assert total(scaled(given_lines)) in {WHOLE, Decimal(0)}
        assert (total(scaled(given_lines)) == 0) == (total(given_lines) == 0)


def test_lines_are_written_without_trailing_zeros() -> None:
    assert lines_of([Weighted("INFY", Decimal("60.5000")), Weighted("TCS", Decimal("39.5"))]) == [
        DraftLine("INFY", "60.5"),
        DraftLine("TCS", "39.5"),
    ]
