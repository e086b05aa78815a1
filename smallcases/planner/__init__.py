"""The planner of orders: how many shares of what. Pure.

Units: `weights` in per cent, more than 0 and summing to exactly 100; `prices` in rupees, more than 0, for every name
that is weighted or held; `held` in shares; amounts in rupees. Nothing is rounded but where a docstring says so.

Whole shares seldom cost what the weights say. A name's *exact* rupees are its weight × the value to be spread; what
its shares cost is its *worth*. Three promises say how near the one comes to the other:
- Quota: every name has its exact number of shares, rounded down or up, never further off (Balinski and Young, "Fair
  Representation", 1982). So what is left over does not pile up in whatever happens to be cheapest.
- Nothing to spare: every name still under its exact rupees costs more than the money left.
- Near: less is missing from the exact rupees, and the squared errors add up to less, than in PyPortfolioOpt's greedy
  allocation. Money left counts as a name of weight nil, or idle money would pass for accuracy. What is missing, as a
  part of the whole, is the active share of Cremers and Petajisto (2009) and the objective of PyPortfolioOpt's
  lp_portfolio; squared errors are what its greedy_portfolio reports.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from brokers.ports.broker import Side
from gateway.values.errors import Invalid
from gateway.values.money import PAISA
from smallcases.planner.exact import NOTHING, WHOLE, Rupees, Shares, by_weight, filled, one_of_each, value
from smallcases.planner.whole import gaps, in_balance, in_whole_shares, rounded_up, within_quota


class BelowMinimum(Invalid):
    """The amount does not buy one share of every name at its weight."""


@dataclass(frozen=True, slots=True)
class Leg:
    ticker: str
    side: Side
    shares: int


def minimum_investment(*, weights: Rupees, prices: Rupees) -> Decimal:
    """Rupees, up to the next paisa: what buys at least one share of every name at its weight.

    Contract §4.1: the largest price ÷ weight.
    """
    dearest = max(prices[ticker] * WHOLE / weight for ticker, weight in weights.items())
    return dearest.quantize(PAISA, ROUND_CEILING)


def shares_for(*, amount: Decimal, weights: Rupees, prices: Rupees) -> dict[str, int]:
    """A first purchase: at least one share of every name, within quota, nothing to spare; never more than `amount`.

    Contract §4.1: whole shares, target = weight × amount ÷ price. As near as PyPortfolioOpt's greedy allocation or
    nearer: its purchases are how the first of the two orders of `rounded_up` begins, each purchase after them brings
    the basket nearer, and the second order is taken only where it ends nearer still. Raises BelowMinimum.
    """
    minimum = minimum_investment(weights=weights, prices=prices)
    if amount < minimum:
        raise BelowMinimum(f"The amount must be at least ₹{minimum}, for a share of every name; it is ₹{amount}.")
    return top_up(amount=amount, held={}, weights=weights, prices=prices)


def top_up(*, amount: Decimal, held: Shares, weights: Rupees, prices: Rupees) -> dict[str, int]:
    """Purchases only, towards weights × (value held + amount), the most under-weight first; never more than `amount`.

    Contract §4.1. Names that have no weight do not count. The money is poured like water: over the affordable names
    under their weight, so that the lowest rise to one level, in whole shares; again with what is left, until there is
    nothing to spare. Every round puts a name out of reach or is the last, so there are no more rounds than names.
    """
    before = {ticker: held.get(ticker, 0) for ticker in weights}
    total = value(before, prices) + amount
    target = by_weight(total, weights)
    shares = before
    while rising := filled(shares, target, prices, total):
        others = {ticker: count for ticker, count in shares.items() if ticker not in rising}
        shares = shares | in_whole_shares(rising, prices, total - value(others, prices))
    return {ticker: shares[ticker] - count for ticker, count in before.items() if shares[ticker] > count}


def rebalance(*, held: Shares, weights: Rupees, prices: Rupees, cash: Decimal = NOTHING) -> list[Leg]:
    """To the weights at present value, with `cash` from the user; sells first, buys within the proceeds and the cash.

    Contract §4.1. Within quota and nothing to spare, in few trades: a name stays as it is or moves to the nearer end of
    its quota, and gives up one share more only to pay for others. Names without a weight are sold whole. While one
    share of each is affordable, no name goes without; beyond that, the dearest do.

    Again at the same prices it is nothing, with what was left over or without: see `in_balance`.
    """
    kept = {ticker: held.get(ticker, 0) for ticker in weights}
    total = value(held, prices) + cash
    exact = one_of_each(total, weights, prices)
    balanced = in_balance(kept, total, weights, prices)
    start = kept if balanced else within_quota(kept, exact, prices, total)
    return manage(held=held, wanted=rounded_up(start, exact, prices, total - value(start, prices)))


def manage(*, held: Shares, wanted: Shares) -> list[Leg]:
    """The user's own shares, as they are (contract §4.1): the differences, sells first. What is not wanted is sold."""
    moves = {ticker: wanted.get(ticker, 0) - held.get(ticker, 0) for ticker in {**held, **wanted}}
    sells = [Leg(ticker, Side.SELL, -shares) for ticker, shares in moves.items() if shares < 0]
    buys = [Leg(ticker, Side.BUY, shares) for ticker, shares in moves.items() if shares > 0]
    return sells + buys


def exit_whole(*, held: Shares) -> list[Leg]:
    """Contract §4.1: sells all."""
    return manage(held=held, wanted={})


def exit_percent(*, held: Shares, percent: int) -> list[Leg]:
    """`percent`, 1 to 100, of each name, rounded down to whole shares; one share of the largest where that is nothing.

    Contract §4.1: never more than held. 100 leaves nothing.
    """
    sold = {ticker: shares * percent // 100 for ticker, shares in held.items()}
    largest = sorted(held, key=held.__getitem__, reverse=True)[:1]
    return exit_whole(held=sold if any(sold.values()) else {ticker: min(1, held[ticker]) for ticker in largest})


def exit_amount(*, held: Shares, prices: Rupees, amount: Decimal) -> list[Leg]:
    """The same part of every name, for proceeds as near to `amount` as whole shares within quota bring them.

    Contract §4.1: never more than held. Rounded down, then up while there is nothing to spare, then by one share more
    if that is nearer: off, to either side, by at most half the price of the cheapest name that could still be sold in
    proportion. From the whole value on, everything; under half a share, nothing.
    """
    whole = value(held, prices)
    if amount >= whole:
        return exit_whole(held=held)
    exact = {ticker: prices[ticker] * shares * amount / whole for ticker, shares in held.items()}
    sold = in_whole_shares(exact, prices, amount)
    missing = amount - value(sold, prices)
    nearer = [gap for gap in gaps(sold, exact, prices) if gap.price < 2 * missing]
    for gap in sorted(nearer, key=lambda gap: gap.price)[:1]:
        sold[gap.ticker] += 1
    return exit_whole(held=sold)
