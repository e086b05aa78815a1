"""What publishing a version would mean, before anybody does it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Case, F, IntegerField, Sum, When

from brokers.models import Instrument
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
    """Weights in per cent; zero before a name is added and after it is removed."""

    ticker: str
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class Preview:
    """`turnover` one-way, in per cent. Amounts in rupees, at the prices of the unpinned path.

    `buy` and `sell` are what it takes to move all live investments together; beyond SAMPLE of them, estimated from
    the newest SAMPLE. `untradable`: names that it would sell or buy and that cannot be traded; of those bought,
    `unknown` are not even in the catalogue. Either keeps the version from being published.
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
    """Raises Invalid for weights that make no version."""
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
    return Preview(
        newest=newest,
        number=newest.number + 1,
        changes=_changes(before, after),
        turnover=turnover(before, after),
        investments=count,
        buy=buy,
        sell=sell,
        minimum_before=minimum_investment(weights=before, prices=prices),
        minimum_after=None if unknown else minimum_investment(weights=after, prices=prices),
        untradable=sorted(ticker for ticker in _moved(before, after) if not _can_trade(instruments.get(ticker))),
        unknown=unknown,
    )


def _changes(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> list[WeightChange]:
    nothing = Decimal(0)
    return [
        WeightChange(ticker, before.get(ticker, nothing), after.get(ticker, nothing))
        for ticker in _moved(before, after)
    ]


def _moved(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> list[str]:
    """Removed, changed and added names, as they stand in the two versions."""
    return [ticker for ticker in {**before, **after} if before.get(ticker) != after.get(ticker)]


def _can_trade(instrument: Instrument | None) -> bool:
    return instrument is not None and instrument.tradable


def _shares_held(smallcase: Smallcase, count: int) -> dict[str, Decimal]:
    """By ticker, of all live investments; scaled up from the newest SAMPLE where there are more."""
    newest = list(live_investments(smallcase).order_by("-pk").values_list("pk", flat=True)[:SAMPLE])
    signed = Case(When(side=Side.SELL.value, then=-F("shares")), default=F("shares"), output_field=IntegerField())
    rows = InvestmentFill.objects.filter(investment__in=newest).values("ticker").annotate(held=Sum(signed))
    scale = Decimal(count) / len(newest) if newest else Decimal(0)
    return {ticker: held * scale for ticker, held in rows.values_list("ticker", "held")}


def _amounts(
    shares: Mapping[str, Decimal], after: Mapping[str, Decimal], prices: Mapping[str, Decimal]
) -> tuple[Decimal, Decimal]:
    """Rupees bought and rupees sold to move these shares to the weights at their present value."""
    values = {ticker: held * prices[ticker] for ticker, held in shares.items() if ticker in prices}
    total = sum(values.values(), Decimal(0))
    moves = [
        total * after.get(ticker, Decimal(0)) / 100 - values.get(ticker, Decimal(0))
        for ticker in values.keys() | after.keys()
    ]
    bought = sum((move for move in moves if move > 0), Decimal(0))
    sold = sum((-move for move in moves if move < 0), Decimal(0))
    return rupees(bought), rupees(sold)
