import math
import statistics
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallcases.portfolio.index import (
    Close,
    Era,
    Point,
    base_day,
    measures,
    missing_values,
    rebased,
    risk_ratio,
    volatility,
    window,
)

MONDAY = date(2026, 11, 2)
DAYS = [MONDAY + timedelta(days=n) for n in range(5)]
PRICES = {
    "A": (100, 110, 121, 121, 242),
    "B": (50, 50, 25, 50, 50),
    "C": (10, 20, 40, 20, 10),
}


def close(ticker: str, day: date) -> Decimal:
    return Decimal(PRICES[ticker][DAYS.index(day)])


def era(day: int, **weights: int) -> Era:
    return Era(DAYS[day], {ticker: Decimal(weight) for ticker, weight in weights.items()})


def values(
    *eras: Era, days: list[date] = DAYS, close: Close = close, known: Mapping[date, Decimal] | None = None
) -> list[Decimal]:
    return [value for _, value in missing_values(eras=eras, days=days, close=close, known=known or {})]


def points(*numbers: float, first: date = MONDAY) -> list[Point]:
    return [(first + timedelta(days=n), Decimal(str(number))) for n, number in enumerate(numbers)]


class TestMissingValues:
    def test_begin_at_a_hundred(self) -> None:
        assert values(era(0, A=50, B=50))[0] == Decimal("100.0000")

    def test_are_those_of_somebody_who_bought_and_held(self) -> None:
        assert values(era(0, A=50, B=50)) == [100, 105, Decimal("85.5"), Decimal("110.5"), 171]

    def test_are_chained_so_that_a_rebalance_moves_no_value(self) -> None:
        """Day 1 closes by the old weights at 105; from there C halves from 20 to 10 over three days, by way of 40."""
        assert values(era(0, A=50, B=50), era(1, B=50, C=50)) == [
            100,
            105,
            Decimal("131.25"),
            105,
            Decimal("78.75"),
        ]

    def test_take_the_later_of_two_versions_with_one_base(self) -> None:
        assert values(era(0, A=50, B=50), era(1, A=100), era(1, C=100))[2] == 210

    def test_leave_out_what_is_known(self) -> None:
        known = {DAYS[0]: Decimal(100), DAYS[1]: Decimal(105), DAYS[3]: Decimal("110.5")}

        assert values(era(0, A=50, B=50), known=known) == [Decimal("85.5"), 171]

    def test_are_rounded_to_four_decimals(self) -> None:
        thirds = {"A": (3, 1), "B": (3, 1)}
        assert values(
            era(0, A=50, B=50), days=DAYS[:2], close=lambda ticker, day: Decimal(thirds[ticker][DAYS.index(day)])
        ) == [100, Decimal("33.3333")]

    @given(
        prices=st.lists(st.tuples(*[st.integers(1, 1_000)] * 3), min_size=12, max_size=12),
        cut=st.integers(1, 12),
        bases=st.sets(st.integers(1, 11), max_size=3),
    )
    def test_are_the_same_in_one_go_and_in_two(self, prices: list[tuple[int, ...]], cut: int, bases: set[int]) -> None:
        days = [MONDAY + timedelta(days=n) for n in range(12)]
        mixes = [{"0": 50, "1": 30, "2": 20}, {"1": 90, "2": 10}, {"0": 1, "2": 99}, {"0": 34, "1": 33, "2": 33}]
        eras = [
            Era(days[base], {ticker: Decimal(weight) for ticker, weight in mix.items()})
            for base, mix in zip([0, *sorted(bases)], mixes, strict=False)
        ]

        def at(ticker: str, day: date) -> Decimal:
            return Decimal(prices[days.index(day)][int(ticker)])

        whole = dict(missing_values(eras=eras, days=days, close=at, known={}))
        early = [one for one in eras if one.base in days[:cut]]
        first = dict(missing_values(eras=early, days=days[:cut], close=at, known={}))
        rest = dict(missing_values(eras=eras, days=days, close=at, known=first))

        assert first | rest == whole


class TestBaseDay:
    CLOSES = {day: datetime(day.year, day.month, day.day, 10, tzinfo=UTC) for day in (DAYS[0], DAYS[1], DAYS[4])}

    @pytest.mark.parametrize(
        ("published_at", "day"),
        [
            (datetime(2026, 11, 2, 4, tzinfo=UTC), DAYS[0]),
            (datetime(2026, 11, 2, 10, tzinfo=UTC), DAYS[0]),
            (datetime(2026, 11, 2, 10, 0, 1, tzinfo=UTC), DAYS[1]),
            (datetime(2026, 11, 4, 4, tzinfo=UTC), DAYS[4]),
            (datetime(2026, 11, 7, 4, tzinfo=UTC), None),
        ],
    )
    def test_is_the_first_that_closes_after_the_publication(self, published_at: datetime, day: date | None) -> None:
        assert base_day(published_at, self.CLOSES) == day


class TestMeasures:
    def test_of_a_first_day_are_all_but_none(self) -> None:
        first = measures(points(100))

        assert first.since_launch == 0
        assert {first.daily, first.weekly, first.monthly, first.yearly, first.cagr, first.volatility} == {None}

    def test_reach_back_to_the_last_close_before(self) -> None:
        """A Saturday's month before is a Wednesday without trade here: the value of the day before it counts."""
        found = measures(
            [(date(2026, 1, 5), Decimal(80)), (date(2026, 2, 27), Decimal(100)), (date(2026, 3, 31), Decimal(110))]
        )

        assert found.monthly == Decimal("0.1")
        assert found.daily == Decimal("0.1")
        assert found.quarterly is None
        assert found.since_launch == Decimal("0.375")

    def test_have_no_cagr_before_a_year_is_full(self) -> None:
        begun = date(2025, 1, 1)

        assert measures([(begun, Decimal(100)), (date(2025, 12, 31), Decimal(121))]).cagr is None
        assert measures([(begun, Decimal(100)), (date(2026, 1, 1), Decimal(121))]).cagr == Decimal("0.21")

    def test_have_a_cagr_of_the_yearly_root(self) -> None:
        two_years = [(date(2024, 1, 1), Decimal(100)), (date(2025, 12, 31), Decimal(121))]

        assert measures(two_years).cagr == Decimal("0.1")


class TestVolatility:
    def test_is_that_of_the_textbook(self) -> None:
        numbers = [100 + 3 * math.sin(n) for n in range(60)]
        returns = [math.log(after / before) for before, after in pairwise(numbers)]

        found = volatility([Decimal(str(number)) for number in numbers])

        assert found is not None
        assert float(found) == pytest.approx(statistics.stdev(returns) * math.sqrt(252), abs=1e-6)

    def test_of_a_flat_line_is_zero(self) -> None:
        assert volatility([Decimal(100)] * 21) == 0

    def test_needs_twenty_returns(self) -> None:
        assert volatility([Decimal(100)] * 20) is None


class TestCharting:
    def test_a_window_begins_at_the_last_value_before_it(self) -> None:
        rows = [(date(2026, 1, 5), Decimal(1)), (date(2026, 2, 27), Decimal(2)), (date(2026, 3, 31), Decimal(3))]

        assert window(rows, months=1) == rows[1:]
        assert window(rows, months=6) == rows

    def test_rebasing_keeps_the_proportions(self) -> None:
        assert [value for _, value in rebased(points(80, 100, 60), base=Decimal(1000))] == [1000, 1250, 750]


class TestRiskRatio:
    @staticmethod
    def path(swing: str, days: int = 400) -> list[Point]:
        """Up and down in turn, each day by `swing`."""
        first = date(2025, 1, 1)
        return [(first + timedelta(days=n), 100 * (1 + Decimal(swing)) ** (n % 2)) for n in range(days)]

    @pytest.mark.parametrize(("own", "benchmark", "ratio"), [("0.02", "0.01", 2), ("0.01", "0.01", 1)])
    def test_compares_the_volatilities_of_the_last_year(self, own: str, benchmark: str, ratio: int) -> None:
        found = risk_ratio(self.path(own), self.path(benchmark))

        assert found is not None
        assert abs(found - ratio) < Decimal("0.02")

    def test_leaves_out_what_is_older_than_a_year(self) -> None:
        wild = self.path("0.20", days=30)
        calm = [(day + timedelta(days=30), value) for day, value in self.path("0.01")]

        assert risk_ratio(wild + calm, self.path("0.01", days=430)) == 1

    @pytest.mark.parametrize(("own", "benchmark"), [("0.01", "0"), ("0.01", "short")])
    def test_is_none_without_a_comparison(self, own: str, benchmark: str) -> None:
        other = self.path("0.01", days=10) if benchmark == "short" else self.path(benchmark)

        assert risk_ratio(self.path(own), other) is None
