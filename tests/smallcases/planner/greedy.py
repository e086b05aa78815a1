"""PyPortfolioOpt's greedy allocation, long only, in integers where it has floats: the planner's measuring rod.

After DiscreteAllocation.greedy_portfolio of PyPortfolioOpt 1.6.0; `benchmarks.paths.planner` compares the two.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

PATIENCE: Final = 10  # names it looks at for one it can afford


def greedy(*, amount: Decimal, weights: Mapping[str, Decimal], prices: Mapping[str, Decimal]) -> dict[str, int]:
    """Shares; none of a name is a possible answer. Amount and prices in whole paise, weights with ≤ 4 decimals."""
    names = sorted(weights, key=weights.__getitem__, reverse=True)
    weight = [int(weights[name] * 10_000) for name in names]  # of a million
    price = [int(prices[name] * 100) for name in names]
    left = int(amount * 100)
    shares = [part * left // (1_000_000 * each) for part, each in zip(weight, price, strict=True)]
    left -= sum(count * each for count, each in zip(shares, price, strict=True))
    while (index := _next(shares, weight, price, left)) is not None:
        shares[index] += 1
        left -= price[index]
    return dict(zip(names, shares, strict=True))


def _next(shares: list[int], weight: list[int], price: list[int], left: int) -> int | None:
    """The affordable name that is the most under its weight of what is invested."""
    worth = [count * each for count, each in zip(shares, price, strict=True)]
    invested = sum(worth)
    deficit = [part * invested - 1_000_000 * own for part, own in zip(weight, worth, strict=True)]
    for _ in range(PATIENCE):
        index = deficit.index(max(deficit))
        if left == 0 or deficit[index] <= 0:
            return None
        if price[index] <= left:
            return index
        deficit[index] = 0
    return None
