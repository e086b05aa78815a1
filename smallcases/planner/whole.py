"""Whole shares: exact rupees rounded down or up, within the budget."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from gateway.values.money import PAISA
from smallcases.planner.exact import NOTHING, Rupees, Shares, level, value, within_reach


@dataclass(frozen=True, slots=True)
class Gap:
    """A name below its exact rupees by `missing`, which is less than its price: one more share closes the gap."""

    ticker: str
    price: Decimal
    exact: Decimal
    missing: Decimal


# The rank of a gap, from the remaining cash and the total. The highest rank is bought first.
Order = Callable[[Gap, Decimal, Decimal], Decimal]


def in_whole_shares(exact: Rupees, prices: Rupees, budget: Decimal) -> dict[str, int]:
    """Exact numbers of shares, rounded down, then up while `budget` allows."""
    shares = {ticker: int(goal // prices[ticker]) for ticker, goal in exact.items()}
    return rounded_up(shares, exact, prices, budget - value(shares, prices))


def trimmed(shares: Shares, prices: Rupees, budget: Decimal) -> dict[str, int]:
    """The same part of every name's shares, in whole shares, for at most `budget` rupees; all, if it suffices."""
    cost, budget = value(shares, prices), max(budget, NOTHING).quantize(PAISA, ROUND_DOWN)
    if cost <= budget:
        return dict(shares)
    return in_whole_shares({t: prices[t] * count * budget / cost for t, count in shares.items()}, prices, budget)


def rounded_up(shares: Shares, exact: Rupees, prices: Rupees, cash: Decimal) -> dict[str, int]:
    """One more share of each name below its exact rupees while `cash` allows, in the better of two orders.

    The first is PyPortfolioOpt's: the most under-weight name of the invested money. The second is Hamilton's: the
    largest remainder. The second is used only if neither value of `errors` is larger. Neither order is always
    nearer; both leave nothing to spare.
    """
    largest_first = sorted(gaps(shares, exact, prices), key=lambda gap: gap.exact, reverse=True)
    whole = sum(exact.values(), NOTHING)
    usual, other = (bought(largest_first, order, cash, whole) for order in (under_weight, remainder))
    both = zip(errors(largest_first, usual, cash), errors(largest_first, other, cash), strict=True)
    closed = other if all(after <= before for before, after in both) else usual
    return {ticker: count + (ticker in closed) for ticker, count in shares.items()}


def gaps(shares: Shares, exact: Rupees, prices: Rupees) -> list[Gap]:
    missing = {ticker: goal - prices[ticker] * shares[ticker] for ticker, goal in exact.items()}
    return [Gap(ticker, prices[ticker], exact[ticker], lack) for ticker, lack in missing.items() if lack > 0]


def bought(closable: Iterable[Gap], order: Order, cash: Decimal, whole: Decimal) -> set[str]:
    """Tickers to buy one share each of. Cash only falls, so an unaffordable name stays unaffordable."""
    chosen: set[str] = set()
    while closable := [gap for gap in closable if gap.price <= cash and gap.ticker not in chosen]:
        ranks = [order(gap, cash, whole) for gap in closable]
        first = closable[ranks.index(max(ranks))]
        chosen.add(first.ticker)
        cash -= first.price
    return chosen


def under_weight(gap: Gap, cash: Decimal, whole: Decimal) -> Decimal:
    """Rupees missing from the name's weight × the invested money, × the total. Undivided, so ties stay exact."""
    return gap.missing * whole - gap.exact * cash


def remainder(gap: Gap, _cash: Decimal, _whole: Decimal) -> Decimal:
    """The missing part of a share."""
    return gap.missing / gap.price


def errors(closable: Iterable[Gap], closed: Collection[str], cash: Decimal) -> tuple[Decimal, Decimal]:
    """The missing rupees, and the sum of squared errors including the remaining money."""
    off = [gap.missing - gap.price * (gap.ticker in closed) for gap in closable]
    left = cash - sum(gap.price for gap in closable if gap.ticker in closed)
    return sum((max(lack, NOTHING) for lack in off), NOTHING), sum((lack * lack for lack in off), left * left)


def within_quota(kept: Shares, exact: Rupees, prices: Rupees, total: Decimal) -> dict[str, int]:
    """The nearest shares to `kept` within quota that cost at most `total`: the names furthest above sell one share.

    This always succeeds: rounded down, all names cost at most their exact rupees, whose sum is `total`.
    """
    down = {ticker: int(goal // prices[ticker]) for ticker, goal in exact.items()}
    up = {ticker: count + bool(exact[ticker] % prices[ticker]) for ticker, count in down.items()}
    shares = {ticker: min(max(kept[ticker], down[ticker]), up[ticker]) for ticker in exact}
    above = {ticker: prices[ticker] * shares[ticker] - goal for ticker, goal in exact.items()}
    cost = value(shares, prices)
    for ticker in sorted(above, key=above.__getitem__, reverse=True):
        if cost > total and shares[ticker] > down[ticker]:
            shares[ticker] -= 1
            cost -= prices[ticker]
    return shares


def in_balance(kept: Shares, total: Decimal, weights: Rupees, prices: Rupees) -> bool:
    """Whether `kept` may be the result of a rebalance of some amount of at least `total`, with nothing to spare.

    A name is within quota for amounts between (shares - 1) and (shares + 1) × price ÷ weight. Below shares × price ÷
    weight it is not under-weight; above, less than its price remained. A rebalance ends in this state for its own
    amount. The next rebalance may not know the remaining cash, so a name can seem above its quota; if the shares
    are in balance, the name is not sold. And cash that was too little to buy a share still is.
    """
    own = within_reach(total, weights, prices)
    if not own or {ticker for ticker, shares in kept.items() if shares} != own.keys():
        return False

    def spread(ticker: str, more: int = 0) -> Decimal:
        return (kept[ticker] + more) * prices[ticker] / own[ticker]

    invested, whole = value(kept, prices), sum(own.values())
    spent = [max(spread(ticker), (invested + prices[ticker]) / whole) for ticker in own]
    at_least = max(level(total, own, prices), *(spread(ticker, -1) for ticker in own))
    return at_least < min(*spent, *(spread(ticker, 1) for ticker in own))
