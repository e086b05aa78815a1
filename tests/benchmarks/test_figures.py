import pytest

from benchmarks.figures import (
    Row,
    Side,
    Target,
    at_least,
    at_most,
    interleaved,
    less_than,
    more_than,
    percentile,
    ratios,
    row_from,
    told,
)


def row(*figures: float, target: Target | None = None) -> Row:
    return Row(path="create", against="bare Django", unit="×", figures=figures, target=target)


class TestTarget:
    @pytest.mark.parametrize(
        ("target", "below", "on", "above"),
        [
            (at_least(0.6), False, True, True),
            (more_than(0.6), False, False, True),
            (at_most(0.6), True, True, False),
            (less_than(0.6), True, False, False),
        ],
    )
    def test_knows_its_side(self, target: Target, below: bool, on: bool, above: bool) -> None:
        assert [target.is_reached(figure) for figure in (0.59, 0.6, 0.61)] == [below, on, above]

    def test_is_told_with_its_sign(self) -> None:
        assert list(map(str, (at_least(0.6), at_most(1.5), more_than(1), less_than(100)))) == [
            "≥ 0.60",
            "≤ 1.50",
            "> 1.00",
            "< 100",
        ]


class TestRow:
    def test_has_the_median_for_its_figure(self) -> None:
        assert row(0.9, 0.1, 0.5).figure == 0.5

    def test_of_an_even_number_of_rounds_lies_between_the_middle_two(self) -> None:
        assert row(1, 2, 4, 100).figure == 3

    def test_is_judged_by_the_median_alone(self) -> None:
        assert row(0.1, 0.7, 0.8, target=at_least(0.6)).verdict == "reached"
        assert row(0.1, 0.5, 0.8, target=at_least(0.6)).verdict == "not reached"

    def test_without_a_target_has_no_verdict(self) -> None:
        assert (row(0.5).is_reached, row(0.5).verdict) == (None, "")

    def test_that_was_not_measured_is_not_reached(self) -> None:
        nothing = row(target=at_most(1))

        assert (nothing.is_reached, nothing.verdict, nothing.shown) == (False, "not measured", "–")

    def test_shows_the_range_of_its_rounds(self) -> None:
        assert row(0.9, 0.1, 0.5).shown == "0.50 (0.10 – 0.90)"

    def test_shows_a_single_round_as_it_is(self) -> None:
        assert row(1234.5).shown == "1,234"

    def test_asks_for_a_profile_only_if_it_is_not_reached(self) -> None:
        assert row(0.5, target=at_least(0.6)).explained(lambda: "django/db 40%").held_back == "django/db 40%"
        assert row(0.7, target=at_least(0.6)).explained(lambda: "django/db 40%").held_back == ""
        assert row(0.5).explained(lambda: "django/db 40%").held_back == ""

    def test_comes_back_from_json_as_it_was(self) -> None:
        made = Row(
            path="create",
            against="bare Django",
            unit="×",
            figures=(0.5, 0.75),
            target=at_least(0.6),
            sides=(Side("gateway", "requests/s", (50.0, 75.0)),),
            note="two cores",
            held_back="json 3%",
        )

        assert row_from(made.as_json()) == made

    def test_tells_figure_and_verdict_in_its_json(self) -> None:
        read = row(0.5, 0.75, target=at_least(0.6)).as_json()

        assert (read["figure"], read["reached"]) == (0.625, True)


class TestRatios:
    def test_are_taken_round_by_round(self) -> None:
        assert ratios([10, 30], [5, 60]) == (2, 0.5)

    def test_of_rounds_that_do_not_pair_are_none(self) -> None:
        with pytest.raises(ValueError, match="shorter"):
            ratios([10, 30], [5])


class TestPercentile:
    @pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
    def test_is_a_value_that_was_measured(self, share: float, expected: float) -> None:
        assert percentile(list(range(100, 0, -1)), share) == expected

    def test_of_one_value_is_that_value(self) -> None:
        assert percentile([7], 0.99) == 7

    def test_of_nothing_is_an_error(self) -> None:
        with pytest.raises(IndexError):
            percentile([], 0.5)


class TestInterleaved:
    def test_takes_turns(self) -> None:
        played: list[str] = []

        one, other = interleaved(3, lambda: played.append("A"), lambda: played.append("B"))

        assert played == ["A", "B", "A", "B", "A", "B"]
        assert len(one) == len(other) == 3


class TestTold:
    @pytest.mark.parametrize(
        ("figure", "text"), [(0.123, "0.12"), (12.34, "12.3"), (1234567.8, "1,234,568"), (-0.5, "-0.50"), (0, "0.00")]
    )
    def test_has_the_digits_that_count(self, figure: float, text: str) -> None:
        assert told(figure) == text
