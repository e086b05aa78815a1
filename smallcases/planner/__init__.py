"""The order planner: how many shares of each name to buy or sell. Pure.

Units: `weights` in per cent, above 0, summing to exactly 100; `prices` in rupees, above 0, for every name with a
weight or shares; `held` in shares; amounts in rupees. Values are rounded only where a docstring says so.

Whole shares seldom match the weights. A name's *exact* rupees are its weight × the value to distribute; its *worth*
is the cost of its shares. The planner guarantees three limits on the difference:
- Quota: every name has its exact number of shares, rounded down or up (Balinski and Young, "Fair Representation",
  1982). So the rest of the money does not accumulate in the cheapest name.
- Nothing to spare: every name below its exact rupees costs more than the remaining money.
- Near: the missing rupees and the sum of squared errors are at most those of PyPortfolioOpt's greedy allocation.
  Remaining money counts as a name with weight zero; otherwise idle money would look like accuracy. The missing
  rupees divided by the total are the active share of Cremers and Petajisto (2009) and the objective of
  PyPortfolioOpt's lp_portfolio; its greedy_portfolio reports squared errors.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from brokers.ports.broker import Side
from gateway.values.errors import Invalid
from gateway.values.money import PAISA
from smallcases.planner.buffer import Buffer, left_alone
from smallcases.planner.exact import NOTHING, WHOLE, Rupees, Shares, by_weight, filled, one_of_each, value
from smallcases.planner.whole import gaps, in_balance, in_whole_shares, rounded_up, within_quota


class BelowMinimum(Invalid):
    """The amount is too small for one share of every name at its weight."""


@dataclass(frozen=True, slots=True)
class Leg:
    ticker: str
    side: Side
    shares: int


def minimum_investment(*, weights: Rupees, prices: Rupees) -> Decimal:
    """The smallest amount, rounded up to the paisa, that buys at least one share of every name at its weight.

    Contract §4.1: the largest price ÷ weight.
    """
    dearest = max(prices[ticker] * WHOLE / weight for ticker, weight in weights.items())
    return dearest.quantize(PAISA, ROUND_CEILING)


def shares_for(*, amount: Decimal, weights: Rupees, prices: Rupees) -> dict[str, int]:
    """A first purchase: at least one share of every name, within quota, nothing to spare, at most `amount`.

    Contract §4.1: whole shares, target = weight × amount ÷ price. At least as near as PyPortfolioOpt's greedy
    allocation: the first order of `rounded_up` starts with the same purchases, each later purchase reduces the
    error, and the second order is used only if its error is smaller. Raises BelowMinimum.
    """
    minimum = minimum_investment(weights=weights, prices=prices)
    if amount < minimum:
        raise BelowMinimum(f"The amount must be at least ₹{minimum} to buy one share of every name; it is ₹{amount}.")
    return top_up(amount=amount, held={}, weights=weights, prices=prices)


def top_up(*, amount: Decimal, held: Shares, weights: Rupees, prices: Rupees) -> dict[str, int]:
    """Purchases towards weights × (value held + amount), the most under-weight names first; at most `amount`.

    Contract §4.1. Names without a weight are ignored. Water filling: each round raises the affordable under-weight
    names to one level, in whole shares, and the next round spends the rest, until there is nothing to spare. Every
    round but the last makes a name unaffordable, so there are at most as many rounds as names.
    """
    before = {ticker: held.get(ticker, 0) for ticker in weights}
    total = value(before, prices) + amount
    target = by_weight(total, weights)
    shares = before
    while rising := filled(shares, target, prices, total):
        others = {ticker: count for ticker, count in shares.items() if ticker not in rising}
        shares = shares | in_whole_shares(rising, prices, total - value(others, prices))
    return {ticker: shares[ticker] - count for ticker, count in before.items() if shares[ticker] > count}


def rebalance(
    *, held: Shares, weights: Rupees, prices: Rupees, cash: Decimal = NOTHING, buffer: Buffer | None = None
) -> list[Leg]:
    """Trades towards the weights at current value plus `cash`: sells first, buys within the proceeds and the cash.

    Contract §4.1. Within quota, nothing to spare, few trades: a name keeps its shares or moves to the nearer end of
    its quota, and sells one more share only to pay for other names. Names without a weight are sold completely. If
    one share of each name is affordable, each gets at least one; otherwise the most expensive names get none.

    A second rebalance at the same prices trades nothing, with or without the remaining cash: see `in_balance`.

    With a `buffer`, small differences of names that stay are left alone (planner.buffer). Then these names may be
    outside their quota, money may remain that would buy a share, and a second rebalance may find something to trade.
    """
    kept = {ticker: held.get(ticker, 0) for ticker in weights}
    total = value(held, prices) + cash
    exact = one_of_each(total, weights, prices)
    balanced = in_balance(kept, total, weights, prices)
    start = kept if balanced else within_quota(kept, exact, prices, total)
    wanted = rounded_up(start, exact, prices, total - value(start, prices))
    return manage(held=held, wanted=left_alone(wanted, held, prices, total, buffer) if buffer else wanted)


def manage(*, held: Shares, wanted: Shares) -> list[Leg]:
    """The trades from `held` to the shares that the user chose, sells first (contract §4.1)."""
    moves = {ticker: wanted.get(ticker, 0) - held.get(ticker, 0) for ticker in {**held, **wanted}}
    sells = [Leg(ticker, Side.SELL, -shares) for ticker, shares in moves.items() if shares < 0]
    buys = [Leg(ticker, Side.BUY, shares) for ticker, shares in moves.items() if shares > 0]
    return sells + buys


def exit_whole(*, held: Shares) -> list[Leg]:
    """Sells all shares (contract §4.1)."""
    return manage(held=held, wanted={})


def exit_percent(*, held: Shares, percent: int) -> list[Leg]:
    """Sells `percent`, 1 to 100, of each name, rounded down; if that is nothing, one share of the largest holding.

    Contract §4.1: never more than held; 100 sells everything.
    """
    sold = {ticker: shares * percent // 100 for ticker, shares in held.items()}
    largest = sorted(held, key=held.__getitem__, reverse=True)[:1]
    return exit_whole(held=sold if any(sold.values()) else {ticker: min(1, held[ticker]) for ticker in largest})


def exit_amount(*, held: Shares, prices: Rupees, amount: Decimal) -> list[Leg]:
    """Sells the same part of every name; the proceeds are as near to `amount` as whole shares within quota allow.

    Contract §4.1: never more than held. Shares are rounded down, then up until there is nothing to spare, then one
    more share if that is nearer. The error is at most half the price of the cheapest name that could still be sold
    in proportion. `amount` of the whole value or more sells everything; less than half a share sells nothing.
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
