"""What makes a version whole: its names and their weights, in per cent."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

FEWEST: Final = 2
MOST: Final = 50
PLACES: Final = 4
WHOLE: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Weighted:
    """`weight` in per cent of the whole."""

    ticker: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class Problem:
    """`ticker` of the constituent at fault; empty, when it is the whole."""

    ticker: str
    sentence: str


def problems(constituents: Sequence[Weighted]) -> Iterator[Problem]:
    """What keeps these from being a version; nothing, when they are a whole one."""
    if not FEWEST <= len(constituents) <= MOST:
        yield Problem("", f"A version has {FEWEST} to {MOST} constituents, not {len(constituents)}.")
    for ticker, times in Counter(constituent.ticker for constituent in constituents).items():
        if times > 1:
            yield Problem(ticker, f"{ticker} stands in the version {times} times.")
    wrong = [constituent for constituent in constituents if not is_weight(constituent.weight)]
    for constituent in wrong:
        yield Problem(constituent.ticker, f"{constituent.ticker}: {not_a_weight(constituent.weight)}")
    total = sum((constituent.weight for constituent in constituents), Decimal(0)) if not wrong else WHOLE
    if total != WHOLE:
        yield Problem("", f"The weights sum to {_plain(total)} %, not to 100 %.")


def is_weight(weight: Decimal) -> bool:
    return weight.is_finite() and 0 < weight <= WHOLE and weight == round(weight, PLACES)


def not_a_weight(given: object) -> str:
    shown = _plain(given) if isinstance(given, Decimal) else repr(given)[:40]
    return f"a weight is above zero, at most 100 and has {PLACES} decimals at most, which {shown} is not."


def turnover(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> Decimal:
    """One-way, in per cent of the portfolio: half the sum of all changes of weight.

    The measure of S&P DJI's Index Mathematics Methodology and of most funds: 100 replaces everything.
    """
    names = before.keys() | after.keys()
    return sum((abs(after.get(name, Decimal(0)) - before.get(name, Decimal(0))) for name in names), Decimal(0)) / 2


def _plain(number: Decimal) -> str:
    """Without trailing zeros and exponents, and no longer than a sentence bears."""
    return f"{number.normalize():f}" if number.is_finite() and abs(number.adjusted()) < 20 else str(number)[:40]
