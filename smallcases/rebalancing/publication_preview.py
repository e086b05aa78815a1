"""Previews the effect of publishing a version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Case, F, IntegerField, Sum, When

from brokers.ports.broker import Side
from gateway.values.errors import Invalid
from gateway.values.money import rupees
from smallcases.catalogue.selectors import (
    instruments_of,
    live_investments,
    market_prices,
    newest_version_of,
    weights_of,
)
from smallcases.catalogue.weights import Weighted, problems, turnover
from smallcases.models import InvestmentFill, Smallcase, Version
from smallcases.planner import minimum_investment

SAMPLE: Final = 1_000  # investments


@dataclass(frozen=True, slots=True)
class WeightChange:
    """Weights in per cent; zero before a name was added or after it is removed."""

    ticker: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """`turnover` is one-way, in per cent. Amounts are in rupees, at prices without price overrides.

    `buy` and `sell` are the amounts needed to move all live investments; with more than SAMPLE investments they are
    estimated from the newest SAMPLE. `untradable` are names to sell or buy that cannot be traded; `unknown` are names
    to buy that are not in the catalogue. A version with either cannot be published.
    """

    newest: Version
    number: int
    changes: Sequence[WeightChange]
    turnover: Decimal
    investments: int
    buy: Decimal
    sell: Decimal
    minimum_before: Decimal
    minimum_after: Decimal | None
    untradable: Sequence[str]
    unknown: Sequence[str]


def rebalance_preview(*, smallcase: Smallcase, constituents: Sequence[Weighted], now: datetime) -> Preview:
    """Raises Invalid if `constituents` are not a valid version."""
    if wrong := [problem.sentence for problem in problems(constituents)]:
        raise Invalid(*wrong)
    newest = newest_version_of(smallcase.scid)
    before = weights_of(newest)
    after = {constituent.ticker: constituent.weight for constituent in constituents}
    instruments = instruments_of(before.keys() | after.keys())
    prices = market_prices(list(instruments.values()), now)
    count = live_investments(smallcase).count()
    buy, sell = _amounts(_shares_held(smallcase, count), after, prices)
    unknown = sorted(after.keys() - instruments.keys())
    # Removed, changed and added names, in the order of the two versions.
    moved = [ticker for ticker in {**before, **after} if before.get(ticker) != after.get(ticker)]
    return Preview(
        newest=newest,
        number=newest.number + 1,
        changes=[WeightChange(one, before.get(one, Decimal(0)), after.get(one, Decimal(0))) for one in moved],
        turnover=turnover(before, after),
        investments=count,
        buy=buy,
        sell=sell,
        minimum_before=minimum_investment(weights=before, prices=prices),
        minimum_after=None if unknown else minimum_investment(weights=after, prices=prices),
        untradable=sorted(one for one in moved if one not in instruments or not instruments[one].tradable),
        unknown=unknown,
    )


def _shares_held(smallcase: Smallcase, count: int) -> dict[str, Decimal]:
    """Shares by ticker in all live investments; scaled up from the newest SAMPLE if there are more."""
    newest = list(live_investments(smallcase).order_by("-pk").values_list("pk", flat=True)[:SAMPLE])
    signed = Case(When(side=Side.SELL.value, then=-F("shares")), default=F("shares"), output_field=IntegerField())
    rows = InvestmentFill.objects.filter(investment__in=newest).values("ticker").annotate(held=Sum(signed))
    scale = Decimal(count) / len(newest) if newest else Decimal(0)
    return {ticker: held * scale for ticker, held in rows.values_list("ticker", "held")}


def _amounts(
    shares: Mapping[str, Decimal], after: Mapping[str, Decimal], prices: Mapping[str, Decimal]
) -> tuple[Decimal, Decimal]:
    """Rupees to buy and to sell to move `shares` to the weights `after` at their current value."""
    values = {ticker: held * prices[ticker] for ticker, held in shares.items() if ticker in prices}
    total = sum(values.values(), Decimal(0))
    moves = [
        total * after.get(ticker, Decimal(0)) / 100 - values.get(ticker, Decimal(0))
        for ticker in values.keys() | after.keys()
    ]
    bought = sum((move for move in moves if move > 0), Decimal(0))
    sold = sum((-move for move in moves if move < 0), Decimal(0))
    return rupees(bought), rupees(sold)
