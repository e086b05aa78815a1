"""From a smallcase order to its lines: what is held, what it costs now, and the planner's answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from brokers import sql as market
from brokers.market.quotes import quotes
from brokers.ports.broker import Side
from gateway.values.errors import Invalid
from gateway.values.ids import new_object_id
from smallcases import planner
from smallcases.models import Investment, Smallcase, Version
from smallcases.planner import Leg
from smallcases.portfolio.apply_fills import InvestmentChange
from smallcases.portfolio.investments import newest_version, shares_of, weights_of
from transactions.domain.basket import OrderLine, Security
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest, SmallcaseSelections
from transactions.lifecycle.eligibility import own_investment
from transactions.models import Batch, Transaction
from transactions.queries.open_orders import last_batches, unfilled_lines, unresolved_sells

MAX_QUANTITY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Planned:
    """A smallcase order, ready to be placed; no lines where there is nothing to trade."""

    lines: list[OrderLine]
    label: str
    original_label: str
    iscid: str
    version: Version


@dataclass(frozen=True, slots=True)
class Situation:
    """What an order is planned from. `held` is empty for a BUY; `shown` are prices that stand in place of today's."""

    gateway: int
    version: Version
    held: Mapping[str, int]
    selections: SmallcaseSelections
    now: datetime
    shown: Mapping[str, Decimal] | None = None

    def weights(self) -> dict[str, Decimal]:
        return weights_of(self.version)

    def prices(self, tickers: Iterable[str]) -> dict[str, Decimal]:
        """Rupees, now; a name that left the catalogue cannot be planned with."""
        wanted = set(tickers)
        known = {ticker: quote.at(self.now) for ticker, quote in quotes(self.gateway, wanted).items()}
        if missing := sorted(wanted - known.keys()):
            raise Invalid(*(f"{ticker} has no price." for ticker in missing))
        return {ticker: (self.shown or known).get(ticker, price) for ticker, price in known.items()}


def plan(
    *,
    transaction: Transaction,
    order_request: SmallcaseOrderRequest,
    selections: SmallcaseSelections,
    prices: Mapping[str, Decimal] | None,
    now: datetime,
) -> Planned:
    """`prices`: those that the user was shown; today's where there are none. The same prices give the same orders."""
    if order_request.kind is OrderKind.BUY:
        smallcase = Smallcase.objects.get(scid=order_request.scid)
        return _plan_buy(transaction.gateway_id, smallcase, selections, prices, now)
    investment = own_investment(transaction.account, order_request.iscid)
    return _plan_on(investment, order_request, selections, prices, now)


def _plan_buy(
    gateway: int,
    smallcase: Smallcase,
    selections: SmallcaseSelections,
    prices: Mapping[str, Decimal] | None,
    now: datetime,
) -> Planned:
    """A new investment: its iscid is reserved here."""
    there = Situation(gateway, newest_version(smallcase), {}, selections, now, prices)
    return Planned(_lines(_buy(there)), "BUY", "BUY", new_object_id(), there.version)


def _plan_on(
    investment: Investment,
    order_request: SmallcaseOrderRequest,
    selections: SmallcaseSelections,
    prices: Mapping[str, Decimal] | None,
    now: datetime,
) -> Planned:
    """An order on a live investment."""
    if order_request.kind is OrderKind.FIX:
        return _fix(investment)
    moves = order_request.kind is OrderKind.REBALANCE
    version = newest_version(investment.smallcase) if moves else investment.version
    if order_request.kind is OrderKind.SIP:
        selections = SmallcaseSelections(amount=investment.sip.amount)
    there = Situation(investment.gateway_id, version, sellable(investment), selections, now, prices)
    lines = _lines(_PLANS[order_request.kind](there))
    label = _label(order_request.kind, lines, there.held)
    return Planned(lines, label, label, investment.iscid, version)


def sellable(investment: Investment) -> dict[str, int]:
    """What is held, less what may have been sold unheard."""
    lost = unresolved_sells(investment.iscid)
    left = {ticker: shares - lost.get(ticker, 0) for ticker, shares in shares_of(investment).items()}
    return {ticker: shares for ticker, shares in left.items() if shares > 0}


def change_of(batch: Batch) -> InvestmentChange:
    """What a batch does to its investment beside its shares; a FIX does what the order did that it goes back to."""
    if batch.version is None or batch.iscid is None:
        raise AssertionError("Only a smallcase order changes an investment.")
    return InvestmentChange(
        iscid=batch.iscid,
        version=batch.version,
        moves_version=batch.original_label == OrderKind.REBALANCE,
        customised=batch.original_label == OrderKind.MANAGE,
    )


def check_tradable(lines: Sequence[OrderLine]) -> None:
    """Every name can be traded, in a number that one order may have."""
    large = [line.security.ticker for line in lines if line.quantity > MAX_QUANTITY]
    if large:
        raise Invalid(*(f"{ticker}: more than {MAX_QUANTITY:,} shares need several orders." for ticker in large))
    halted = market.halted({line.security.ticker for line in lines})
    if problems := [f"{ticker} cannot be traded at present." for ticker in halted]:
        raise Invalid(*problems)


def _buy(there: Situation) -> list[Leg]:
    weights = there.weights()
    shares = planner.shares_for(amount=_amount(there), weights=weights, prices=there.prices(weights))
    return _buys(shares)


def _top_up(there: Situation) -> list[Leg]:
    weights = there.weights()
    prices = there.prices(weights)
    return _buys(planner.top_up(amount=_amount(there), held=there.held, weights=weights, prices=prices))


def _rebalance(there: Situation) -> list[Leg]:
    weights = there.weights()
    prices = there.prices({*weights, *there.held})
    cash = there.selections.amount or Decimal(0)
    return planner.rebalance(held=there.held, weights=weights, prices=prices, cash=cash)


def _manage(there: Situation) -> list[Leg]:
    if there.selections.shares is None:
        raise Invalid("constituents: choose the shares of each name.")
    wanted = {ticker: shares for ticker, shares in there.selections.shares.items() if shares}
    there.prices(wanted)
    legs = planner.manage(held=there.held, wanted=wanted)
    if not legs:
        raise Invalid("constituents: these are the shares you hold already.")
    if not wanted:
        raise Invalid("constituents: to sell everything is an EXIT.")
    return legs


def _exit(there: Situation) -> list[Leg]:
    """Whole, unless a part was chosen."""
    chosen = there.selections
    if chosen.exit_amount is not None:
        prices = there.prices(there.held)
        return planner.exit_amount(held=there.held, prices=prices, amount=chosen.exit_amount)
    return planner.exit_percent(held=there.held, percent=chosen.exit_percent or 100)


_PLANS: Final[Mapping[OrderKind, Callable[[Situation], list[Leg]]]] = {
    OrderKind.INVESTMORE: _top_up,
    OrderKind.SIP: _top_up,
    OrderKind.REBALANCE: _rebalance,
    OrderKind.MANAGE: _manage,
    OrderKind.EXIT: _exit,
}


def _fix(investment: Investment) -> Planned:
    last = last_batches([investment.iscid])[investment.iscid].batch
    root = last.original_label or last.label or OrderKind.FIX.value
    version = last.version or investment.version
    return Planned(unfilled_lines(last), OrderKind.FIX.value, root, investment.iscid, version)


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


def _lines(legs: Iterable[Leg]) -> list[OrderLine]:
    return [OrderLine(Security(leg.ticker), leg.shares, leg.side) for leg in legs]
