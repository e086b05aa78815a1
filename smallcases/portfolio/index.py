"""A smallcase's index, 100 at the close of its first day and chained over its versions; returns and volatility. Pure.

Between two rebalances the weights change with prices, as in a portfolio that is bought and held. A version counts
from the close of its `base` day, whose value still uses the previous version, so a rebalance alone changes no value.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Final

from smallcases.portfolio.months import shifted

START: Final = Decimal(100)
VALUE: Final = Decimal("0.0001")
FRACTION: Final = Decimal("0.000001")
TRADING_DAYS: Final = 252  # in a year, by convention
FEWEST_RETURNS: Final = 20  # a standard deviation of fewer returns is meaningless
YEAR: Final = Decimal(365)
HIGH_RISK: Final = Decimal("1.3")
LOW_RISK: Final = Decimal("0.8")

Close = Callable[[str, date], Decimal]
Point = tuple[date, Decimal]


@dataclass(frozen=True, slots=True)
class Era:
    """Weights by ticker, in per cent, valid after the close of `base`."""

    base: date
    weights: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Measures:
    """Fractions (0.05 is 5 %); None if the index is too young."""

    daily: Decimal | None
    weekly: Decimal | None
    monthly: Decimal | None
    quarterly: Decimal | None
    half_yearly: Decimal | None
    yearly: Decimal | None
    since_launch: Decimal
    cagr: Decimal | None
    volatility: Decimal | None


def base_day(published_at: datetime, closes: Mapping[date, datetime]) -> date | None:
    """The first trading day that closes at or after `published_at`; None if that day is not in `closes` yet."""
    return next((day for day, close in sorted(closes.items()) if close >= published_at), None)


def missing_values(
    *, eras: Sequence[Era], days: Sequence[date], close: Close, known: Mapping[date, Decimal]
) -> Iterator[Point]:
    """The missing values, oldest first.

    `eras` and `days` are ascending; the first era's base is the first day. Each value is computed from the rounded
    value of its era's base, so it does not depend on which other values are already known.
    """
    values = dict(known)
    bases = [era.base for era in eras]
    for day in days:
        if day not in values:
            era = eras[max(bisect_left(bases, day) - 1, 0)]
            values[day] = values[era.base] * _growth(era, day, close) if day != bases[0] else START
            values[day] = values[day].quantize(VALUE, ROUND_HALF_EVEN)
            yield day, values[day]


def measures(points: Sequence[Point]) -> Measures:
    """Measures of an index's values: one point per trading day, ascending from the day of launch.

    Returns are simple: from the last close at or before the same day n months ago to the newest close. CAGR is
    (last ÷ first)^(365 ÷ days) - 1, and None before a full year: shorter returns are not annualised (GIPS 2020).
    """
    (first_day, first), (last_day, last) = points[0], points[-1]
    before = points[-2][1] if len(points) > 1 else None
    years = Decimal((last_day - first_day).days) / YEAR
    return Measures(
        daily=_fraction(last / before - 1) if before else None,
        weekly=_return_since(points, last_day - timedelta(days=7)),
        monthly=_return_since(points, shifted(last_day, -1)),
        quarterly=_return_since(points, shifted(last_day, -3)),
        half_yearly=_return_since(points, shifted(last_day, -6)),
        yearly=_return_since(points, shifted(last_day, -12)),
        since_launch=_fraction(last / first - 1),
        cagr=_fraction((last / first) ** (1 / years) - 1) if years >= 1 else None,
        volatility=volatility([value for day, value in points if day >= shifted(last_day, -12)]),
    )


def volatility(values: Sequence[Decimal]) -> Decimal | None:
    """Annualised volatility, a fraction: the sample standard deviation of daily log returns × √252.

    Source: J. C. Hull, Options, Futures, and Other Derivatives, "Estimating volatility from historical data".
    """
    returns = [(after / before).ln() for before, after in pairwise(values)]
    if len(returns) < FEWEST_RETURNS:
        return None
    mean = sum(returns, Decimal(0)) / len(returns)
    variance = sum(((r - mean) ** 2 for r in returns), Decimal(0)) / (len(returns) - 1)
    return _fraction((variance * TRADING_DAYS).sqrt())


def risk_ratio(points: Sequence[Point], benchmark: Sequence[Point]) -> Decimal | None:
    """The volatility of the last year's points ÷ the benchmark's on the same days; None if there are too few.

    At or above HIGH_RISK a smallcase has high volatility, below LOW_RISK low (smallcase's help pages on volatility).
    """
    first = shifted(points[-1][0], -12)
    own = volatility([value for day, value in points if day >= first])
    other = volatility([value for day, value in benchmark if day >= first])
    return own / other if own is not None and other else None


def window(points: Sequence[Point], *, months: int) -> Sequence[Point]:
    """The points since the last value at or before `months` ago; all points of a younger index."""
    start = shifted(points[-1][0], -months)
    return points[max(_at_or_before(points, start), 0) :]


def rebased(points: Sequence[Point], *, base: Decimal) -> list[Point]:
    """The points scaled so that the first value is `base`."""
    first = points[0][1]
    return [(day, (value / first * base).quantize(VALUE, ROUND_HALF_EVEN)) for day, value in points]


def _growth(era: Era, day: date, close: Close) -> Decimal:
    grown = (weight * close(ticker, day) / close(ticker, era.base) for ticker, weight in era.weights.items())
    return sum(grown, Decimal(0)) / 100


def _return_since(points: Sequence[Point], day: date) -> Decimal | None:
    at = _at_or_before(points, day)
    return None if at < 0 else _fraction(points[-1][1] / points[at][1] - 1)


def _at_or_before(points: Sequence[Point], day: date) -> int:
    """The index of the last point at or before `day`; -1 if all are later."""
    return bisect_right(points, day, key=lambda point: point[0]) - 1


def _fraction(number: Decimal) -> Decimal:
    return number.quantize(FRACTION, ROUND_HALF_EVEN)
