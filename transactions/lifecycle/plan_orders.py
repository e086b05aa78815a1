"""Plans a smallcase order: reads holdings and prices, and calls the planner."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet

from brokers.market.quotes import quotes
from brokers.models import Instrument
from brokers.ports.broker import Side
from gateway.database.compiled import compiled
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
    """A planned smallcase order; `lines` is empty if there is nothing to trade."""

    lines: list[OrderLine]
    label: str
    original_label: str
    iscid: str
    version: Version


@dataclass(frozen=True, slots=True)
class Situation:
    """The input of a plan. `held` is empty for a BUY; `shown` prices replace current prices."""

    gateway: int
    version: Version
    held: Mapping[str, int]
    selections: SmallcaseSelections
    now: datetime
    shown: Mapping[str, Decimal] | None = None

    def weights(self) -> dict[str, Decimal]:
        return weights_of(self.version)

    def prices(self, tickers: Iterable[str]) -> dict[str, Decimal]:
        """Prices in rupees. Raises Invalid for a name that is not in the catalogue any more."""
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
    """`prices`: as shown to the user; None: current prices. Equal prices give equal orders. Raises Invalid, NoOrder."""
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
    """A new investment; reserves its iscid."""
    there = Situation(gateway, newest_version(smallcase), {}, selections, now, prices)
    return Planned(_lines(_buy(there)), "BUY", "BUY", new_object_id(), there.version)


def _plan_on(
    investment: Investment,
    order_request: SmallcaseOrderRequest,
    selections: SmallcaseSelections,
    prices: Mapping[str, Decimal] | None,
    now: datetime,
) -> Planned:
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
    """Held shares, less shares that orders with unknown outcome may have sold."""
    lost = unresolved_sells(investment.iscid)
    left = {ticker: shares - lost.get(ticker, 0) for ticker, shares in shares_of(investment).items()}
    return {ticker: shares for ticker, shares in left.items() if shares > 0}


def change_of(batch: Batch) -> InvestmentChange:
    """A batch's change of its investment besides shares. A FIX has the effect of the order that it fixes."""
    if batch.version is None or batch.iscid is None:
        raise AssertionError("Only a smallcase order changes an investment.")
    return InvestmentChange(
        iscid=batch.iscid,
        version=batch.version,
        moves_version=batch.original_label == OrderKind.REBALANCE,
        customised=batch.original_label == OrderKind.MANAGE,
    )


def check_tradable(lines: Sequence[OrderLine]) -> None:
    """Raises Invalid if a name cannot be traded now or has too many shares for one order."""
    large = [line.security.ticker for line in lines if line.quantity > MAX_QUANTITY]
    if large:
        raise Invalid(*(f"{ticker}: an order has at most {MAX_QUANTITY:,} shares." for ticker in large))
    halted = _halted(symbols=[line.security.ticker for line in lines])
    if problems := [f"{ticker} cannot be traded now." for (ticker,) in halted]:
        raise Invalid(*problems)


@compiled
def _halted(*, symbols: list[str]) -> QuerySet[Instrument, tuple[str]]:
    halted = Instrument.objects.filter(symbol__in=symbols, tradable=False)
    return halted.order_by("symbol").values_list("symbol")


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
        raise Invalid("constituents: these are your current shares; change at least one.")
    if not wanted:
        raise Invalid("constituents: use EXIT to sell everything.")
    return legs


def _exit(there: Situation) -> list[Leg]:
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
