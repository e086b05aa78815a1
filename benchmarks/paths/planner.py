"""The planner against PyPortfolioOpt's greedy and integer allocation (benchmarks.peers), on the same baskets."""

import csv
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from itertools import pairwise
from math import sqrt
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, Final

from rich.progress import track
from rich.table import Table

from benchmarks import peers
from benchmarks.figures import Row, Side, at_most, more_than, ratios
from benchmarks.stage import Stage
from smallcases.planner import BelowMinimum, minimum_investment, shares_for
from tests.servers import ROOT
from tests.smallcases.planner.greedy import greedy as port

NAMES: Final = 50
SEED: Final = 2026
CATALOGUE: Final = ROOT / "brokers" / "data" / "instruments.csv"
CLOSE: Final = 1e-9  # tolerance for floats

Shares = Mapping[str, int]
Planner = Callable[["Basket"], Shares]


@dataclass(frozen=True)
class Basket:
    amount: Decimal
    weights: dict[str, Decimal]
    prices: dict[str, Decimal]


@dataclass(frozen=True)
class Outcome:
    """As shares of the amount. `invested_error` is PyPortfolioOpt's own measure, which ignores idle money."""

    idle: float
    dropped: int
    active_share: float
    error: float
    invested_error: float


FIGURES: Final[Mapping[str, Callable[[Outcome], float]]] = {
    "active share": lambda one: one.active_share,
    "RMS error, cash a name": lambda one: one.error,
    "RMS error of the invested amount": lambda one: one.invested_error,
}


def measure(stage: Stage) -> Iterator[Row]:
    """All planners on the same baskets, in turns; the first planner changes from basket to basket."""
    warnings.simplefilter("ignore")  # PyPortfolioOpt's
    random, count = Random(SEED), stage.knobs.many(200, least=10)
    planners = {"ours": ours, **_theirs(stage)}
    prices = _catalogue()
    baskets = [_basket(random, prices, NAMES) for _ in range(count)]
    rounds = [
        _round(number, planners, baskets)
        for number in track(range(stage.knobs.rounds), description="  rounds", console=stage.console)
    ]
    outcomes = {name: [_outcome(plan(basket), basket) for basket in baskets] for name, plan in planners.items()}
    stage.console.print(_table(rounds, outcomes, NAMES))
    stage.say(
        f"The port of greedy in our tests gives the same result for {_agreeing(planners['greedy'], baskets)} baskets."
    )
    stage.say(_below_the_minimum(planners["greedy"], baskets))
    yield from _rows(rounds, outcomes)


def _rows(rounds: Sequence[Mapping[str, float]], outcomes: Mapping[str, Sequence[Outcome]]) -> Iterator[Row]:
    count = len(outcomes["ours"])
    times = {name: tuple(one[name] * 1000 / count for one in rounds) for name in outcomes}
    path = f"planner, {count} baskets of {NAMES} names"
    mine = Side("ours", "ms a basket", times["ours"])
    for name, target in (("greedy", more_than(1)), ("lp (HiGHS)", None)):
        sides = (mine, Side(name, "ms a basket", times[name]))
        figures = ratios(times[name], times["ours"])
        against = f"PyPortfolioOpt's {name}"
        yield Row(path=path, against=against, unit="× as fast", figures=figures, target=target, sides=sides)
    left = tuple(10_000 * (a.idle - b.idle) for a, b in zip(outcomes["ours"], outcomes["lp (HiGHS)"], strict=True))
    yield Row(
        path=f"{path}: cash left above LP's",
        against="PyPortfolioOpt's lp (HiGHS)",
        unit="bp of the amount, median of the baskets",
        figures=(median(left),),
        target=at_most(0),
        note=f"from {min(left):.2f} to {max(left):.2f} bp; ours leaves no more in "
        f"{sum(one <= 0 for one in left)} of {count}",
    )
    dropped = {name: sum(one.dropped for one in each) for name, each in outcomes.items()}
    yield Row(
        path=f"{path}: names dropped",
        against="none",
        unit="names",
        figures=(float(dropped["ours"]),),
        target=at_most(0),
        note=", ".join(f"{name} drops {number}" for name, number in dropped.items()),
    )


def ours(basket: Basket) -> Shares:
    return shares_for(amount=basket.amount, weights=basket.weights, prices=basket.prices)


def _theirs(stage: Stage) -> dict[str, Planner]:
    sys.path.append(str(peers.installed("pyportfolioopt", say=stage.say).packages))
    pandas, allocation = import_module("pandas"), import_module("pypfopt.discrete_allocation")

    def prepared(basket: Basket) -> Any:
        weights = {ticker: float(weight / 100) for ticker, weight in basket.weights.items()}
        latest = pandas.Series({ticker: float(price) for ticker, price in basket.prices.items()})
        return allocation.DiscreteAllocation(weights, latest, float(basket.amount))

    return {
        "greedy": lambda basket: dict(prepared(basket).greedy_portfolio()[0]),
        "lp (HiGHS)": lambda basket: dict(prepared(basket).lp_portfolio(solver="HIGHS")[0]),
    }


def _catalogue() -> dict[str, Decimal]:
    """Reference prices of the shipped instruments."""
    with CATALOGUE.open(newline="") as lines:
        return {line["symbol"]: Decimal(line["reference_price"]) for line in csv.DictReader(lines)}


def _basket(random: Random, catalogue: Mapping[str, Decimal], names: int) -> Basket:
    """Random names and weights, for 1 to 30 times the minimum investment."""
    tickers = random.sample(sorted(catalogue), names)
    prices = {ticker: catalogue[ticker] for ticker in tickers}
    weights = dict(zip(tickers, _weights(random, names), strict=True))
    times = Decimal(30 ** random.random()).quantize(Decimal("0.01"))
    return Basket(minimum_investment(weights=weights, prices=prices) * times // 1 + 1, weights, prices)


def _weights(random: Random, names: int) -> Iterator[Decimal]:
    """Sums to exactly 100 %, at least 0.1 % each."""
    spare = 1_000_000 - 1_000 * names
    edges = [0, *sorted(random.randrange(spare) for _ in range(names - 1)), spare]
    return (Decimal(1_000 + right - left) / 10_000 for left, right in pairwise(edges))


def _round(number: int, planners: Mapping[str, Planner], baskets: Sequence[Basket]) -> dict[str, float]:
    """Seconds by planner, for all baskets."""
    seconds = dict.fromkeys(planners, 0.0)
    names = list(planners)
    for index, basket in enumerate(baskets):
        turn = (number + index) % len(names)
        for name in names[turn:] + names[:turn]:
            started = perf_counter()
            planners[name](basket)
            seconds[name] += perf_counter() - started
    return seconds


def _outcome(shares: Shares, basket: Basket) -> Outcome:
    worth = {ticker: float(price) * shares.get(ticker, 0) for ticker, price in basket.prices.items()}
    amount, invested = float(basket.amount), sum(worth.values())
    weights = {ticker: float(weight) / 100 for ticker, weight in basket.weights.items()}
    off = [weight - worth[ticker] / amount for ticker, weight in weights.items()]
    idle = 1 - invested / amount
    of_invested = [weight - worth[ticker] / invested for ticker, weight in weights.items()]
    return Outcome(
        idle=idle,
        dropped=sum(not shares.get(ticker) for ticker in basket.prices),
        active_share=sum(max(part, 0) for part in off),
        error=_root_mean_square([*off, idle]),
        invested_error=_root_mean_square(of_invested),
    )


def _root_mean_square(parts: Sequence[float]) -> float:
    return sqrt(sum(part * part for part in parts) / len(parts))


def _agreeing(greedy: Planner, baskets: Sequence[Basket]) -> str:
    same = sum(
        {ticker: count for ticker, count in _port(basket).items() if count} == greedy(basket) for basket in baskets
    )
    return f"{same} of {len(baskets)}"


def _port(basket: Basket) -> Shares:
    return port(amount=basket.amount, weights=basket.weights, prices=basket.prices)


def _below_the_minimum(greedy: Planner, baskets: Sequence[Basket]) -> str:
    halves = [Basket(_minimum(basket) // 2, basket.weights, basket.prices) for basket in baskets]
    dropped = [_outcome(greedy(half), half).dropped for half in halves]
    refused = sum(_refused(half) for half in halves)
    return (
        f"With half of the minimum, ours refuses {refused} of {len(halves)} and states the minimum; "
        f"greedy drops {median(dropped):g} names in the median, up to {max(dropped)}."
    )


def _minimum(basket: Basket) -> Decimal:
    return minimum_investment(weights=basket.weights, prices=basket.prices)


def _refused(basket: Basket) -> bool:
    try:
        ours(basket)
    except BelowMinimum:
        return True
    return False


def _table(rounds: Sequence[Mapping[str, float]], outcomes: Mapping[str, Sequence[Outcome]], names: int) -> Table:
    columns = list(outcomes.values())
    count = len(outcomes["ours"])
    table = Table(
        "", title=f"{count} baskets of {names} names, {len(rounds)} rounds; cash and errors in bp of the amount"
    )
    for name in outcomes:
        table.add_column(name, justify="right")
    table.add_row("ms a basket, median", *(_milliseconds(rounds, name, count) for name in outcomes))
    table.add_row("time ÷ ours, median (min – max)", *(_ratio(rounds, name) for name in outcomes))
    table.add_row("names dropped, all baskets", *(str(sum(one.dropped for one in each)) for each in columns))
    table.add_row("cash left, median (max)", *(_spread([one.idle for one in each]) for each in columns))
    for title, figure in FIGURES.items():
        table.add_row(f"{title}, median (max)", *(_spread([figure(one) for one in each]) for each in columns))
        table.add_row("  nearer / further than ours", *(_against(outcomes["ours"], each, figure) for each in columns))
    return table


def _milliseconds(rounds: Sequence[Mapping[str, float]], name: str, count: int) -> str:
    return f"{median(each[name] for each in rounds) * 1000 / count:.2f}"


def _ratio(rounds: Sequence[Mapping[str, float]], name: str) -> str:
    ratios = [each[name] / each["ours"] for each in rounds]
    return f"{median(ratios):.2f} ({min(ratios):.2f} – {max(ratios):.2f})"


def _spread(parts: Sequence[float]) -> str:
    return f"{median(parts) * 10_000:.2f} ({max(parts) * 10_000:.2f})"


def _against(our: Sequence[Outcome], their: Sequence[Outcome], figure: Callable[[Outcome], float]) -> str:
    pairs = [(figure(mine), figure(other)) for mine, other in zip(our, their, strict=True)]
    nearer = sum(other < mine - CLOSE for mine, other in pairs)
    return f"{nearer} / {sum(other > mine + CLOSE for mine, other in pairs)}"
