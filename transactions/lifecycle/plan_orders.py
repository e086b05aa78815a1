"""Plans a smallcase order: reads holdings and prices, and calls the planner."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from brokers import sql as market
from brokers.market.quotes import quotes
from brokers.ports.broker import Side
from gateway.values.errors import Invalid
from gateway.values.ids import new_object_id
from smallcases import planner
from smallcases.models import Investment, Version
from smallcases.planner import BelowMinimum, Leg
from smallcases.portfolio.apply_fills import InvestmentChange
from transactions.domain.basket import MAX_QUANTITY, OrderLine, Security
from transactions.domain.smallcase_order import OrderKind, SmallcaseSelections
from transactions.models import Batch
from transactions.queries.order_context import LastBatch, OrderContext, customisation_of, unfilled_lines


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned smallcase order; `lines` is empty if there is nothing to trade. `target` as in Batch."""

    lines: list[OrderLine]
    label: str
    original_label: str
    iscid: str
    version: Version
    target: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """The input of a plan. `shown` prices replace current prices."""

    context: OrderContext
    selections: SmallcaseSelections
    shown: Mapping[str, Decimal] | None

    @property
    def held(self) -> Mapping[str, int]:
        return self.context.held

    @property
    def weights(self) -> Mapping[str, Decimal]:
        return self.context.weights

    def prices(self, tickers: Iterable[str]) -> dict[str, Decimal]:
        """Prices in rupees. Raises Invalid for a name that is not in the catalogue any more."""
        wanted = set(tickers)
        market = quotes(self.context.transaction.gateway_id, wanted)
        known = {ticker: quote.at(self.context.now) for ticker, quote in market.items()}
        if missing := sorted(wanted - known.keys()):
            raise Invalid(*(f"{ticker} has no price." for ticker in missing))
        return {ticker: (self.shown or known).get(ticker, price) for ticker, price in known.items()}


def plan(
    context: OrderContext, selections: SmallcaseSelections, *, prices: Mapping[str, Decimal] | None = None
) -> Planned:
    """Plans with the partner's selections, and the user's for those that the partner left open.

    `prices`: as shown to the user; None: current prices. Equal prices give equal orders. A BUY reserves the iscid of
    its new investment. Raises Invalid.
    """
    order_request, investment, version = context.order_request, context.investment, context.version
    if order_request is None or version is None:
        raise AssertionError("Only an order on a smallcase is planned.")
    kind, selections = order_request.kind, order_request.selections.over(selections)
    if investment and kind is OrderKind.FIX:
        return _fix(investment, context.last)
    if investment and kind is OrderKind.SIP:
        selections = SmallcaseSelections(amount=investment.sip.amount)
    there = Situation(context, selections, prices)
    lines = [OrderLine(Security(leg.ticker), leg.shares, leg.side) for leg in _PLANS[kind](there)]
    label = _label(kind, lines, context.held)
    target = _own_target(there) if kind is OrderKind.MANAGE else None
    return Planned(lines, label, label, investment.iscid if investment else new_object_id(), version, target)


def change_of(batch: Batch) -> InvestmentChange:
    """A batch's change of its investment besides shares. A FIX has the effect of the order that it fixes."""
    if batch.version is None or batch.iscid is None:
        raise AssertionError("Only a smallcase order changes an investment.")
    return InvestmentChange(
        iscid=batch.iscid,
        version=batch.version,
        moves_version=batch.original_label == OrderKind.REBALANCE,
        customisation=customisation_of(batch) if batch.original_label == OrderKind.MANAGE else None,
    )


def check_tradable(lines: Sequence[OrderLine]) -> None:
    """Raises Invalid if a name cannot be traded now or has too many shares for one order."""
    large = [line.security.ticker for line in lines if line.quantity > MAX_QUANTITY]
    if large:
        raise Invalid(*(f"{ticker}: an order has at most {MAX_QUANTITY:,} shares." for ticker in large))
    halted = market.halted({line.security.ticker for line in lines})
    if problems := [f"{ticker} cannot be traded now." for ticker in halted]:
        raise Invalid(*problems)


def _buy(there: Situation) -> list[Leg]:
    prices = there.prices(there.weights)
    return _buys(planner.shares_for(amount=_amount(there), weights=there.weights, prices=prices))


def _invest_more(there: Situation) -> list[Leg]:
    least = planner.minimum_sip(weights=there.weights, prices=there.prices(there.weights))
    if (amount := _amount(there)) < least:
        raise BelowMinimum(f"The amount must be at least ₹{least}, the price of the cheapest share; it is ₹{amount}.")
    return _top_up(there)


def _top_up(there: Situation) -> list[Leg]:
    prices = there.prices(there.weights)
    return _buys(planner.top_up(amount=_amount(there), held=there.held, weights=there.weights, prices=prices))


def _rebalance(there: Situation) -> list[Leg]:
    prices = there.prices({*there.weights, *there.held})
    cash = there.selections.amount or Decimal(0)
    return planner.rebalance(held=there.held, weights=there.weights, prices=prices, cash=cash)


def _manage(there: Situation) -> list[Leg]:
    if there.selections.shares is None:
        raise Invalid("constituents: choose the shares of each name.")
    wanted = _chosen(there)
    there.prices(wanted)
    legs = planner.manage(held=there.held, wanted=wanted)
    if not legs:
        raise Invalid("constituents: these are your current shares; change at least one.")
    if not wanted:
        raise Invalid("constituents: use EXIT to sell everything.")
    return legs


def _chosen(there: Situation) -> dict[str, int]:
    return {ticker: shares for ticker, shares in (there.selections.shares or {}).items() if shares}


def _own_target(there: Situation) -> dict[str, str]:
    """The weights of the chosen shares at the prices that the user saw, whatever fills of them."""
    chosen = _chosen(there)
    weights = planner.composition(shares=chosen, prices=there.prices(chosen))
    return {ticker: str(weight) for ticker, weight in weights.items()}


def _exit(there: Situation) -> list[Leg]:
    chosen, held = there.selections, there.held
    if chosen.exit_amount is not None:
        return planner.exit_amount(held=held, prices=there.prices(held), amount=chosen.exit_amount)
    percent = chosen.exit_percent or 100
    if percent == 100:
        return planner.exit_whole(held=held)
    return planner.exit_percent(held=held, prices=there.prices(held), percent=percent)


_PLANS: Final[Mapping[OrderKind, Callable[[Situation], list[Leg]]]] = {
    OrderKind.BUY: _buy,
    OrderKind.INVESTMORE: _invest_more,
    OrderKind.SIP: _top_up,
    OrderKind.REBALANCE: _rebalance,
    OrderKind.MANAGE: _manage,
    OrderKind.EXIT: _exit,
}


def _fix(investment: Investment, last: LastBatch | None) -> Planned:
    if last is None:
        raise AssertionError("Only an investment with a batch is fixed.")
    root = last.batch.original_label or last.batch.label or OrderKind.FIX.value
    version = last.batch.version or investment.version
    return Planned(unfilled_lines(last.batch), OrderKind.FIX.value, root, investment.iscid, version, last.batch.target)


def _amount(there: Situation) -> Decimal:
    if there.selections.amount is None:
        raise Invalid("amount: choose how much to invest.")
    return there.selections.amount


def _label(kind: OrderKind, lines: list[OrderLine], held: Mapping[str, int]) -> str:
    if kind is not OrderKind.EXIT:
        return kind.value
    sold = {line.security.ticker: line.quantity for line in lines}
    return "SELLALL" if sold == dict(held) else "PARTIALEXIT"


def _buys(shares: Mapping[str, int]) -> list[Leg]:
    return [Leg(ticker, Side.BUY, count) for ticker, count in shares.items() if count]
