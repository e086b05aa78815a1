"""The rules for a version's constituents and weights. Weights are in per cent."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

FEWEST: Final = 2
MOST: Final = 50
PLACES: Final = 4
LONGEST: Final = 40  # characters of a weight in a file
WHOLE: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Weighted:
    """A constituent; `weight` in per cent."""

    ticker: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Problem:
    """`ticker` of the wrong constituent; empty if the problem concerns the whole version."""

    ticker: str
    sentence: str


def weight_of(given: Any) -> Decimal | None:
    """A finite number from a JSON number or a cell's text; None if it is not a number."""
    try:
        number = Decimal(given.strip() if isinstance(given, str) else given) if _may_be_weight(given) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _may_be_weight(given: Any) -> bool:
    return isinstance(given, str | Decimal) and len(str(given)) <= LONGEST


def problems(constituents: Sequence[Weighted]) -> Iterator[Problem]:
    """The reasons why `constituents` are not a valid version; none if they are."""
    if not FEWEST <= len(constituents) <= MOST:
        yield Problem("", f"A version has {FEWEST} to {MOST} constituents, not {len(constituents)}.")
    for ticker, times in Counter(constituent.ticker for constituent in constituents).items():
        if times > 1:
            yield Problem(ticker, f"{ticker} is in the version {times} times.")
    wrong = [constituent for constituent in constituents if not is_weight(constituent.weight)]
    for constituent in wrong:
        yield Problem(constituent.ticker, f"{constituent.ticker}: {not_a_weight(constituent.weight)}")
    total = sum((constituent.weight for constituent in constituents), Decimal(0)) if not wrong else WHOLE
    if total != WHOLE:
        yield Problem("", f"The weights sum to {_plain(total)} %; they must sum to 100 %.")


def is_weight(weight: Decimal) -> bool:
    return weight.is_finite() and 0 < weight <= WHOLE and weight == round(weight, PLACES)


def not_a_weight(given: object) -> str:
    shown = _plain(given) if isinstance(given, Decimal) else repr(given)[:40]
    return f"a weight must be above 0 and at most 100, with at most {PLACES} decimals, not {shown}."


def turnover(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> Decimal:
    """One-way turnover in per cent of the portfolio: half the sum of all weight changes.

    Source: S&P DJI, Index Mathematics Methodology. 100 replaces the whole portfolio.
    """
    names = before.keys() | after.keys()
    return sum((abs(after.get(name, Decimal(0)) - before.get(name, Decimal(0))) for name in names), Decimal(0)) / 2


def _plain(number: Decimal) -> str:
    """Without trailing zeros and exponents, cut to 40 characters."""
    return f"{number.normalize():f}" if number.is_finite() and abs(number.adjusted()) < 20 else str(number)[:40]
