"""Exact rupees: what each name would be worth if shares could be cut."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import accumulate
from operator import sub
from typing import Final

NOTHING: Final = Decimal(0)
WHOLE: Final = Decimal(100)  # per cent

Shares = Mapping[str, int]
Rupees = Mapping[str, Decimal]  # or per cent, of weights


def value(shares: Shares, prices: Rupees) -> Decimal:
    return sum((prices[ticker] * count for ticker, count in shares.items()), NOTHING)


def by_weight(total: Decimal, weights: Rupees) -> dict[str, Decimal]:
    return {ticker: weight * total / WHOLE for ticker, weight in weights.items()}


def filled(shares: Shares, target: Rupees, prices: Rupees, total: Decimal) -> dict[str, Decimal]:
    """What the affordable names under target are worth, once the rest of `total` has lifted the lowest to one level."""
    cash = total - value(shares, prices)
    missing = {ticker: goal - prices[ticker] * shares[ticker] for ticker, goal in target.items()}
    short = {ticker: lack for ticker, lack in missing.items() if lack > 0 and prices[ticker] <= cash}
    under = depth(short.values(), cash)
    return {ticker: target[ticker] - min(lack, under) for ticker, lack in short.items()}


def depth(missing: Iterable[Decimal], cash: Decimal) -> Decimal:
    """How far under target the lowest stay: where Σ max(0, missing - depth) = cash, or 0 where cash suffices for all.

    At any depth that sum is the largest, over k, of (the k largest missing - k × depth): hence the one pass. This is
    the Euclidean projection onto a simplex (Held, Wolfe and Crowder, "Validation of subgradient optimization", 1974).
    """
    sums = accumulate(sorted(missing, reverse=True))
    return max([NOTHING, *((most - cash) / count for count, most in enumerate(sums, 1))])


def one_of_each(total: Decimal, weights: Rupees, prices: Rupees) -> dict[str, Decimal]:
    """By weight, but never less than a share costs, for which the others shrink; nothing for names out of reach."""
    own = within_reach(total, weights, prices)
    rate = level(total, own, prices)
    return {ticker: max(prices[ticker], own[ticker] * rate) if ticker in own else NOTHING for ticker in weights}


def within_reach(total: Decimal, weights: Rupees, prices: Rupees) -> dict[str, Decimal]:
    """The weights of as many names as `total` buys one share each of: the cheapest."""
    cheapest = sorted(weights, key=prices.__getitem__)
    costs = accumulate(prices[ticker] for ticker in cheapest)
    return {ticker: weights[ticker] for ticker, cost in zip(cheapest, costs, strict=True) if cost <= total}


def level(total: Decimal, weights: Rupees, prices: Rupees) -> Decimal:
    """Rupees per per cent of weight such that Σ max(price, weight × level) = total, which is at least Σ price.

    At any level that sum is the largest, over k, of (the k dearest for their weight at their price, the others at
    their weight), so the level is the least that any k gives. From the minimum investment on it is total ÷ 100.
    """
    dearest = sorted(weights, key=lambda ticker: prices[ticker] / weights[ticker], reverse=True)
    money = accumulate((prices[ticker] for ticker in dearest), sub, initial=total)
    weight = accumulate((weights[ticker] for ticker in dearest), sub, initial=sum(weights.values(), NOTHING))
    return min((left / share for left, share in zip(money, weight, strict=True) if share), default=NOTHING)
