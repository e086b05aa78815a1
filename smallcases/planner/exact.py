"""Exact rupees: the value of each name if shares were divisible."""

from collections.abc import Collection, Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from itertools import accumulate
from operator import sub
from typing import Final

NOTHING: Final = Decimal(0)
WHOLE: Final = Decimal(100)  # per cent
FINE: Final = Decimal("1e-12")  # per cent, of weights that were divided

Shares = Mapping[str, int]
Rupees = Mapping[str, Decimal]  # or per cent, of weights


def value(shares: Shares, prices: Rupees) -> Decimal:
    return sum((prices[ticker] * count for ticker, count in shares.items()), NOTHING)


def by_weight(total: Decimal, weights: Rupees) -> dict[str, Decimal]:
    return {ticker: weight * total / WHOLE for ticker, weight in weights.items()}


def spread(weights: Rupees, *, without: Collection[str]) -> dict[str, Decimal]:
    """The weights of the other names, in proportion, which sum to exactly 100; empty if no name is left.

    What the division leaves, less than a billionth of a per cent, goes to the largest.
    """
    kept = {ticker: weight for ticker, weight in weights.items() if ticker not in without}
    if not kept or len(kept) == len(weights):
        return kept
    whole = sum(kept.values())
    parts = {ticker: (weight * WHOLE / whole).quantize(FINE, ROUND_DOWN) for ticker, weight in kept.items()}
    largest = max(parts, key=parts.__getitem__)
    return parts | {largest: parts[largest] + WHOLE - sum(parts.values())}


def filled(shares: Shares, target: Rupees, prices: Rupees, total: Decimal) -> dict[str, Decimal]:
    """The value of each affordable name below target, after the rest of `total` raised the lowest to one level."""
    cash = total - value(shares, prices)
    missing = {ticker: goal - prices[ticker] * shares[ticker] for ticker, goal in target.items()}
    short = {ticker: lack for ticker, lack in missing.items() if lack > 0 and prices[ticker] <= cash}
    under = depth(short.values(), cash)
    return {ticker: target[ticker] - min(lack, under) for ticker, lack in short.items()}


def depth(missing: Iterable[Decimal], cash: Decimal) -> Decimal:
    """The rupees that the lowest names remain below target: Σ max(0, missing - depth) = cash, or 0 if cash suffices.

    For any depth, the sum is the maximum over k of (the k largest missing - k × depth), so one pass is enough. Source:
    the Euclidean projection onto a simplex (Held, Wolfe and Crowder, "Validation of subgradient optimization", 1974).
    """
    sums = accumulate(sorted(missing, reverse=True))
    return max([NOTHING, *((most - cash) / count for count, most in enumerate(sums, 1))])


def one_of_each(total: Decimal, weights: Rupees, prices: Rupees) -> dict[str, Decimal]:
    """By weight, but at least one share each, paid for by the other names; zero for unaffordable names."""
    own = within_reach(total, weights, prices)
    rate = level(total, own, prices)
    return {ticker: max(prices[ticker], own[ticker] * rate) if ticker in own else NOTHING for ticker in weights}


def within_reach(total: Decimal, weights: Rupees, prices: Rupees) -> dict[str, Decimal]:
    """The weights of the cheapest names, as many as `total` buys one share each of."""
    cheapest = sorted(weights, key=prices.__getitem__)
    costs = accumulate(prices[ticker] for ticker in cheapest)
    return {ticker: weights[ticker] for ticker, cost in zip(cheapest, costs, strict=True) if cost <= total}


def level(total: Decimal, weights: Rupees, prices: Rupees) -> Decimal:
    """Rupees per per cent of weight, with Σ max(price, weight × level) = total. `total` is at least Σ price.

    For any level, the sum is the maximum over k of (the k names with the highest price ÷ weight at their price, the
    others at their weight), so the level is the minimum over k. From the minimum investment on, it is total ÷ 100.
    """
    dearest = sorted(weights, key=lambda ticker: prices[ticker] / weights[ticker], reverse=True)
    money = accumulate((prices[ticker] for ticker in dearest), sub, initial=total)
    weight = accumulate((weights[ticker] for ticker in dearest), sub, initial=sum(weights.values(), NOTHING))
    return min((left / share for left, share in zip(money, weight, strict=True) if share), default=NOTHING)
