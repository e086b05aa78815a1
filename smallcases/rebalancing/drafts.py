"""The lines of a rebalance draft: weights as typed, their sum, and equal or scaled weights. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from smallcases.catalogue.weights import PLACES, WHOLE, Weighted, is_weight, not_a_weight, problems, weight_of

LONGEST_TICKER: Final = 20
LONGEST_WEIGHT: Final = 20
STEP: Final = Decimal(1).scaleb(-PLACES)


@dataclass(frozen=True, slots=True)
class DraftLine:
    """`weight` in per cent as typed; it need not be a number."""

    ticker: str
    weight: str


def lines_of(constituents: Iterable[Weighted]) -> list[DraftLine]:
    return [DraftLine(one.ticker, plain(one.weight)) for one in constituents]


def weighted_of(lines: Sequence[DraftLine]) -> tuple[list[Weighted], list[str]]:
    """The constituents, and a sentence for each reason why they are not a valid version."""
    found = [(line, weight_of(line.weight)) for line in lines]
    wrong = [f"{line.ticker}: {not_a_weight(line.weight)}" for line, weight in found if weight is None]
    taken = [Weighted(line.ticker, weight) for line, weight in found if weight is not None]
    return taken, wrong or [problem.sentence for problem in problems(taken)]


def total(lines: Sequence[DraftLine]) -> Decimal:
    """The sum of the valid weights, in per cent."""
    return sum(_weights(lines), Decimal(0))


def even(lines: Sequence[DraftLine]) -> list[DraftLine]:
    """Equal weights that sum to 100 per cent."""
    return _whole(lines, [Decimal(1)] * len(lines))


def scaled(lines: Sequence[DraftLine]) -> list[DraftLine]:
    """The weights scaled to a sum of 100 per cent; lines without a valid weight do not change."""
    return _whole(lines, _weights(lines))


def plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _weights(lines: Sequence[DraftLine]) -> list[Decimal]:
    found = (weight_of(line.weight) for line in lines)
    return [weight if weight is not None and is_weight(weight) else Decimal(0) for weight in found]


def _whole(lines: Sequence[DraftLine], parts: Sequence[Decimal]) -> list[DraftLine]:
    """`parts` scaled to 100 per cent and rounded down to a STEP; the first lines get the remaining steps, one each."""
    sum_of_parts = sum(parts, Decimal(0))
    if not sum_of_parts:
        return list(lines)
    shares = [(part * WHOLE / sum_of_parts).quantize(STEP, ROUND_DOWN) for part in parts]
    left = int((WHOLE - sum(shares, Decimal(0))) / STEP)
    first = [place for place, part in enumerate(parts) if part][:left]
    for place in first:
        shares[place] += STEP
    return [
        DraftLine(line.ticker, plain(share) if part else line.weight)
        for line, share, part in zip(lines, shares, parts, strict=True)
    ]
