"""Whole shares: exact rupees rounded down or up, within what there is to spend."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from smallcases.planner.exact import NOTHING, Rupees, Shares, level, value, within_reach


@dataclass(frozen=True, slots=True)
class Gap:
    """A name under its exact rupees, by `missing`: less than its price, so that one share more closes it."""

    ticker: str
    price: Decimal
    exact: Decimal
    missing: Decimal


Order = Callable[[Gap, Decimal, Decimal], Decimal]  # the highest goes first, given the cash left and the whole


def in_whole_shares(exact: Rupees, prices: Rupees, budget: Decimal) -> dict[str, int]:
    """Exact numbers of shares rounded down, then up as far as the rest of `budget` goes."""
    shares = {ticker: int(goal // prices[ticker]) for ticker, goal in exact.items()}
    return rounded_up(shares, exact, prices, budget - value(shares, prices))


def rounded_up(shares: Shares, exact: Rupees, prices: Rupees, cash: Decimal) -> dict[str, int]:
    """One share more of names under their exact rupees while `cash` pays, in the better of two orders.

    PyPortfolioOpt's, the most under-weight of what is invested so far; and Hamilton's, the largest remainder, where it
    ends no further off by either measure of `errors`. Neither is always the nearer; both leave nothing to spare.
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
    """Tickers, one share of each. What is once out of reach stays so: cash only falls."""
    chosen: set[str] = set()
    while closable := [gap for gap in closable if gap.price <= cash and gap.ticker not in chosen]:
        ranks = [order(gap, cash, whole) for gap in closable]
        first = closable[ranks.index(max(ranks))]
        chosen.add(first.ticker)
        cash -= first.price
    return chosen


def under_weight(gap: Gap, cash: Decimal, whole: Decimal) -> Decimal:
    """Rupees missing from the name's weight × what is invested, × the whole: undivided, since a tie must stay a tie."""
    return gap.missing * whole - gap.exact * cash


def remainder(gap: Gap, _cash: Decimal, _whole: Decimal) -> Decimal:
    """The part of a share that is missing."""
    return gap.missing / gap.price


def errors(closable: Iterable[Gap], closed: Collection[str], cash: Decimal) -> tuple[Decimal, Decimal]:
    """Rupees missing; and the sum of squared errors, with money left among them."""
    off = [gap.missing - gap.price * (gap.ticker in closed) for gap in closable]
    left = cash - sum(gap.price for gap in closable if gap.ticker in closed)
    return sum((max(lack, NOTHING) for lack in off), NOTHING), sum((lack * lack for lack in off), left * left)


def within_quota(kept: Shares, exact: Rupees, prices: Rupees, total: Decimal) -> dict[str, int]:
    """The nearest to `kept` that is within quota and costs no more than `total`: the furthest above give up a share.

    They can: rounded down, all of them together cost no more than their exact rupees, which are `total`.
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
    """Whether `kept` may be what a rebalance left: of some amount, `total` or more, and with nothing to spare.

    A name's quota holds of amounts between (shares - 1) and (shares + 1) × price ÷ weight; and below shares × price ÷
    weight it is not under its weight, while above that less than its price was left over. A rebalance ends so for the
    amount that it spread. The next one may know nothing of the money left over, so that a name seems above its quota:
    in balance it is not sold. And what was too little to buy anything with still is.
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
