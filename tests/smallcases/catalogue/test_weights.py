from decimal import Decimal

import pytest

from smallcases.catalogue.weights import Weighted, problems, turnover


def version(*weights: str) -> list[Weighted]:
    return [Weighted(f"T{number}", Decimal(weight)) for number, weight in enumerate(weights)]


def sentences(constituents: list[Weighted]) -> list[str]:
    return [problem.sentence for problem in problems(constituents)]


class TestProblems:
    @pytest.mark.parametrize(
        "weights",
        [("50", "50"), ("99.9999", "0.0001"), ("33.3333", "33.3333", "33.3334"), ("2",) * 50, ("50.00000", "50")],
    )
    def test_of_a_whole_version_are_none(self, weights: tuple[str, ...]) -> None:
        assert sentences(version(*weights)) == []

    @pytest.mark.parametrize(
        ("weights", "sentence"),
        [
            (("100",), "A version has 2 to 50 constituents, not 1."),
            (("2",) * 49 + ("1", "1"), "A version has 2 to 50 constituents, not 51."),
            (("50", "49.9"), "The weights sum to 99.9 %; they must sum to 100 %."),
            (("50", "50.0001"), "The weights sum to 100.0001 %; they must sum to 100 %."),
        ],
    )
    def test_of_the_whole_name_no_ticker(self, weights: tuple[str, ...], sentence: str) -> None:
        (problem,) = problems(version(*weights))

        assert (problem.ticker, problem.sentence) == ("", sentence)

    @pytest.mark.parametrize("weight", ["0", "-1", "100.0001", "0.00001", "1E+30", "NaN", "Infinity"])
    def test_of_a_weight_name_its_ticker_and_no_wrong_sum(self, weight: str) -> None:
        (problem,) = problems([Weighted("INFY", Decimal(weight)), Weighted("TCS", Decimal(40))])

        assert problem.ticker == "INFY"
        assert problem.sentence.startswith(
            "INFY: a weight must be above 0 and at most 100, with at most 4 decimals, not "
        )

    def test_of_a_name_that_stands_twice_are_told_once(self) -> None:
        twice = [Weighted("INFY", Decimal(30)), Weighted("TCS", Decimal(40)), Weighted("INFY", Decimal(30))]

        assert sentences(twice) == ["INFY is in the version 2 times."]

    def test_are_all_told(self) -> None:
        assert sentences([Weighted("INFY", Decimal(90))]) == [
            "A version has 2 to 50 constituents, not 1.",
            "The weights sum to 90 %; they must sum to 100 %.",
        ]


class TestTurnover:
    @pytest.mark.parametrize(
        ("before", "after", "per_cent"),
        [
            ({"A": 60, "B": 40}, {"A": 60, "B": 40}, 0),
            ({"A": 60, "B": 40}, {"A": 50, "B": 50}, 10),
            ({"A": 60, "B": 40}, {"A": 60, "C": 40}, 40),
            ({"A": 60, "B": 40}, {"C": 70, "D": 30}, 100),
        ],
    )
    def test_is_half_of_all_changes(self, before: dict[str, int], after: dict[str, int], per_cent: int) -> None:
        exact = [{name: Decimal(weight) for name, weight in side.items()} for side in (before, after)]

        assert turnover(*exact) == per_cent
