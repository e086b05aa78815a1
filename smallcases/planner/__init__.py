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
from fractions import Fraction
from math import floor
from typing import Final

from brokers.ports.broker import Side
from gateway.values.errors import Invalid
from gateway.values.money import PAISA
from smallcases.planner.buffer import Buffer, left_alone
from smallcases.planner.exact import NOTHING, WHOLE, Rupees, Shares, by_weight, filled, one_of_each, value
from smallcases.planner.nearest import nearest_subset
from smallcases.planner.whole import in_balance, in_whole_shares, rounded_up, within_quota

MILLIONTH: Final = Decimal("0.000001")


class BelowMinimum(Invalid):
    """The amount is too small for one share of every name at its weight."""


class TooLittleToSell(Invalid):
    """Selling no share is nearer to the request than any sale that leaves a share."""

    def __init__(self, held: Shares, prices: Rupees) -> None:
        if sum(held.values()) == 1:
            super().__init__("This investment holds one share, which can only be sold whole. Sell 100 percent.")
        else:
            price, ticker = min((prices[ticker], ticker) for ticker, shares in held.items() if shares)
            super().__init__(
                f"This is too little to sell a share. The cheapest is {ticker} at ₹{price}: sell over half of that."
            )


@dataclass(frozen=True, slots=True)
class Leg:
    ticker: str
    side: Side
    shares: int


def minimum_investment(*, weights: Rupees, prices: Rupees) -> Decimal:
    """The smallest amount in whole rupees that buys at least one share of every name at its weight.

    Contract §4.1: the largest price ÷ weight.
    """
    dearest = max(prices[ticker] * WHOLE / weight for ticker, weight in weights.items())
    return dearest.to_integral_value(ROUND_CEILING)


def minimum_sip(*, weights: Rupees, prices: Rupees) -> Decimal:
    """The smallest amount in whole rupees that buys one share of the cheapest name: of a SIP, or to invest more.

    Source: smallcase, "minSipAmount". The same number refuses a SIP and is shown in the catalogue.
    """
    return min(prices[ticker] for ticker in weights).to_integral_value(ROUND_CEILING)


def composition(*, shares: Shares, prices: Rupees) -> dict[str, Decimal]:
    """The weights of `shares` at `prices`, in per cent with six decimals; they sum to exactly 100.

    Each is at least a millionth; the largest takes the rounding. At least one share is held.
    """
    worth = value(shares, prices)
    parts = {ticker: prices[ticker] * count * WHOLE / worth for ticker, count in shares.items() if count}
    weights = {ticker: max(part.quantize(MILLIONTH), MILLIONTH) for ticker, part in parts.items()}
    largest = max(parts, key=parts.__getitem__)
    weights[largest] += WHOLE - sum(weights.values())
    return weights


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


def exit_percent(*, held: Shares, prices: Rupees, percent: int) -> list[Leg]:
    """Sells `percent`, 1 to 100, of the value of `held`: `exit_amount` of value × percent ÷ 100.

    A percentage of each name, rounded down by itself, would sell 0 of 9 shares where 10 % are asked for. Raises
    TooLittleToSell.
    """
    return exit_amount(held=held, prices=prices, amount=value(held, prices) * percent / WHOLE)


def exit_amount(*, held: Shares, prices: Rupees, amount: Decimal) -> list[Leg]:
    """Sells the same part of every name; the proceeds are as near to `amount` as whole shares within quota allow.

    `held` are the shares that may be sold. Every name sells its exact part, shares × amount ÷ value, rounded down or up
    (Balinski and Young, as in the module's docstring); `nearest_subset` chooses the names that are rounded up, so no
    other combination is nearer. The value or more sells everything; less never sells everything. Raises
    TooLittleToSell if selling nothing is nearest.

    Example: 9 shares at ₹100, 4 at ₹310 and 2 at ₹705 are worth ₹3,550. 40 %, ₹1,420, is 3.6, 1.6 and 0.8 shares. Each
    rounded down makes ₹610, to the nearest ₹1,725; 4, 1 and 1 shares make ₹1,415, and no combination is nearer.
    """
    worth = value(held, prices)
    if amount >= worth:
        return exit_whole(held=held)
    part = Fraction(amount) / Fraction(worth)
    exact = {ticker: shares * part for ticker, shares in held.items()}
    sold = {ticker: floor(shares) for ticker, shares in exact.items()}
    # Of equal proceeds the largest parts of a share are preferred.
    missing = {ticker: shares - sold[ticker] for ticker, shares in exact.items() if shares > sold[ticker]}
    open_names = sorted(missing, key=missing.__getitem__)
    # Whether one share more of each open name would be everything.
    is_all = all(sold[ticker] + 1 >= shares for ticker, shares in held.items())
    sizes = [int(prices[ticker] / PAISA) for ticker in open_names]
    goal = Fraction(amount - value(sold, prices)) / Fraction(PAISA)
    for index in nearest_subset(sizes, goal, all_allowed=not is_all):
        sold[open_names[index]] += 1
    if not any(sold.values()):
        raise TooLittleToSell(held, prices)
    return exit_whole(held=sold)
