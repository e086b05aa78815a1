"""Plans a smallcase order: reads holdings and prices, and calls the planner."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from brokers.market.quotes import quotes
from brokers.ports.broker import Side
from brokers.ports.registry import profile_of
from gateway.values.errors import Invalid
from gateway.values.ids import new_object_id
from smallcases import planner
from smallcases.models import Investment, Version
from smallcases.planner import BelowMinimum, Leg
from smallcases.planner.buffer import REBALANCE_BUFFER
from smallcases.portfolio.apply_fills import InvestmentChange
from transactions.domain.basket import MAX_QUANTITY, OrderLine, Security
from transactions.domain.left_out import (
    LeftOut,
    LeftOutReason,
    sentence,
    settled_only,
    within_limit,
    without_untradable,
)
from transactions.domain.smallcase_order import OrderKind, SmallcaseSelections
from transactions.lifecycle.proceeds_check import Money, payable
from transactions.models import Batch
from transactions.queries.order_context import (
    OrderContext,
    customisation_of,
    unfilled_lines,
    untradable_names,
)

# Kinds that spend an amount: the part of a name that cannot be traded goes to the other names.
SPREADS: Final = frozenset({OrderKind.BUY, OrderKind.INVESTMORE, OrderKind.SIP})


class NothingTradable(Invalid):
    """No name of the order can be traded now."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A planned smallcase order; `lines` is empty if there is nothing to trade. `target` as in Batch.

    `left_out` are orders that are unplaced from the start. `passed_over` are sentences about names that get nothing
    of the amount.
    """

    lines: list[OrderLine]
    label: str
    original_label: str
    iscid: str
    version: Version
    target: Mapping[str, str] | None = None
    left_out: list[LeftOut] = field(default_factory=list)
    passed_over: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """The input of a plan: shares and weights of the names to plan with. `shown` prices replace current prices."""

    context: OrderContext
    selections: SmallcaseSelections
    shown: Mapping[str, Decimal] | None
    held: Mapping[str, int]
    weights: Mapping[str, Decimal]

    @property
    def tradable(self) -> "Situation":
        """The same without names that cannot be traded now, as if they were not there."""
        held = {ticker: shares for ticker, shares in self.held.items() if ticker not in self.context.untradable}
        return replace(self, held=held, weights=self.context.open_weights)

    def prices(self, tickers: Iterable[str]) -> dict[str, Decimal]:
        """Prices in rupees. Raises Invalid for a name that is not in the catalogue any more."""
        wanted = set(tickers)
        if self.shown and wanted <= self.shown.keys():
            return {ticker: self.shown[ticker] for ticker in wanted}
        market = quotes(self.context.transaction.gateway_id, wanted)
        known = {ticker: quote.at(self.context.now) for ticker, quote in market.items()}
        if missing := sorted(wanted - known.keys()):
            raise Invalid(*(f"{ticker} has no price." for ticker in missing))
        return {ticker: (self.shown or known).get(ticker, price) for ticker, price in known.items()}


def plan(
    context: OrderContext,
    selections: SmallcaseSelections,
    *,
    prices: Mapping[str, Decimal] | None = None,
    funds: Decimal | None = None,
) -> Planned:
    """Plans with the partner's selections, and the user's for those that the partner left open.

    `prices`: as shown to the user; None: current prices. Equal prices give equal orders. A BUY reserves the iscid of
    its new investment. `funds`: rupees at the broker, which limit the purchases of a rebalance; None: unknown. Raises
    Invalid.
    """
    order_request, investment, version = context.order_request, context.investment, context.version
    if order_request is None or version is None:
        raise AssertionError("Only an order on a smallcase is planned.")
    kind, selections = order_request.kind, order_request.selections.over(selections)
    if investment and kind is OrderKind.FIX:
        return _fix(investment, context)
    if investment and kind is OrderKind.SIP:
        selections = SmallcaseSelections(amount=investment.sip.amount)
    there = Situation(context, selections, prices, context.held, context.weights)
    _check_any_tradable(there, kind)
    around = _AROUND.get(kind)
    legs, not_now = around(there) if around else (_PLANS[kind](there.tradable), [])
    lines, left_out = _placeable(_lines(legs), there)
    left_out = without_untradable(_lines(not_now), context.untradable)[1] + left_out
    if kind is OrderKind.REBALANCE:
        money = Money(context.account.broker, funds, added=selections.amount or Decimal(0))
        lines, waiting = payable(context, lines, there.prices({line.security.ticker for line in lines}), money)
        left_out += waiting
    label = _label(kind, [*legs, *not_now], context.held)
    return Planned(
        *(lines, label, label, investment.iscid if investment else new_object_id(), version),
        target=_own_target(there) if kind is OrderKind.MANAGE else None,
        left_out=left_out,
        passed_over=[sentence(t, r) for t, r in context.untradable.items() if kind in SPREADS and t in context.weights],
    )


def _largest(lines: Sequence[OrderLine], there: Situation) -> dict[str, int]:
    """The most shares of an order by ticker, at a broker that takes no slices."""
    profile = profile_of(there.context.account.broker)
    prices = {} if profile.slices else there.prices(line.security.ticker for line in lines)
    return {ticker: profile.order_limit.largest(price) for ticker, price in prices.items()}


def _placeable(lines: Sequence[OrderLine], there: Situation) -> tuple[list[OrderLine], list[LeftOut]]:
    """Without shares that have not arrived, and within the limit of one order. Raises NothingTradable."""
    sells = any(line.side is Side.SELL for line in lines)
    settled, late = settled_only(lines, there.context.held, there.context.unsettled if sells else {})
    if late and not settled:
        raise NothingTradable(*(one.message for one in late))
    placeable, too_many = within_limit(settled, _largest(settled, there))
    return placeable, late + too_many


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
    """Raises Invalid if a name of a basket cannot be traded now or has too many shares for one order."""
    check_size(lines)
    reasons = untradable_names({line.security.ticker for line in lines})
    if reasons:
        raise Invalid(*(sentence(ticker, reason) for ticker, reason in reasons.items()))


def check_size(lines: Sequence[OrderLine]) -> None:
    large = [line.security.ticker for line in lines if line.quantity > MAX_QUANTITY]
    if large:
        raise Invalid(*(f"{ticker}: an order has at most {MAX_QUANTITY:,} shares." for ticker in large))


def _check_any_tradable(there: Situation, kind: OrderKind) -> None:
    """Of the names that the order may trade. MANAGE names its own."""
    bought = {} if kind in {OrderKind.EXIT, OrderKind.MANAGE} else there.weights
    sold = there.held if kind in {OrderKind.EXIT, OrderKind.REBALANCE} else {}
    names, reasons = sorted({*bought, *sold}), there.context.untradable
    if names and all(ticker in reasons for ticker in names):
        raise NothingTradable(*(sentence(ticker, reasons[ticker]) for ticker in names))


def _lines(legs: Iterable[Leg]) -> list[OrderLine]:
    return [OrderLine(Security(leg.ticker), leg.shares, leg.side) for leg in legs]


def _rebalance_around(there: Situation) -> tuple[list[Leg], list[Leg]]:
    """The rebalance of the names that can be traded, and the trades that the others would have had.

    A name that cannot be sold pays for nothing. Money for a name that cannot be bought is not spent on others, so that
    a FIX can buy it. If these names would not have traded, the rebalance is as if all could be traded.
    """
    priced, unpriced = _by_price(there)
    legs = _rebalance(replace(there, held=priced))
    not_now = [leg for leg in legs if leg.ticker in there.context.untradable]
    sold = [Leg(ticker, Side.SELL, shares) for ticker, shares in unpriced.items()]
    if not not_now:
        return legs, sold
    prices = there.prices(leg.ticker for leg in not_now)
    bought, unsold = (
        sum((prices[leg.ticker] * leg.shares for leg in not_now if leg.side is side), Decimal(0)) for side in Side
    )
    cash = (there.selections.amount or Decimal(0)) - max(bought - unsold, Decimal(0))
    return _rebalance(replace(there.tradable, selections=replace(there.selections, amount=cash))), not_now + sold


def _exit_around(there: Situation) -> tuple[list[Leg], list[Leg]]:
    """The sale, and its part of names that cannot be traded. If that is all of it, other names are sold instead."""
    priced, unpriced = _by_price(there)
    legs = _exit(replace(there, held=priced))
    whole = not there.selections.exit_amount and (there.selections.exit_percent or 100) == 100
    not_now = [leg for leg in legs if leg.ticker in there.context.untradable]
    sold = [leg for leg in legs if leg not in not_now]
    if not_now and not sold and not whole:
        return _exit(there.tradable), []
    return sold, not_now + [Leg(ticker, Side.SELL, shares) for ticker, shares in unpriced.items() if whole]


def _by_price(there: Situation) -> tuple[dict[str, int], dict[str, int]]:
    """The holdings with a price, and those of names that are not in the catalogue any more."""
    unlisted = {t for t, reason in there.context.untradable.items() if reason is LeftOutReason.UNLISTED}
    held = there.held.items()
    return {t: n for t, n in held if t not in unlisted}, {t: n for t, n in held if t in unlisted}


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
    return planner.rebalance(held=there.held, weights=there.weights, prices=prices, cash=cash, buffer=REBALANCE_BUFFER)


def _manage(there: Situation) -> list[Leg]:
    if there.selections.shares is None:
        raise Invalid("constituents: choose the shares of each name.")
    wanted = _chosen(there)
    legs = planner.manage(held=there.held, wanted=wanted)
    _check_kept(legs, there.held, there.context.unsettled)
    if not legs:
        raise Invalid("constituents: these are your current shares; change at least one.")
    if not wanted:
        raise Invalid("constituents: use EXIT to sell everything.")
    return legs


def _chosen(there: Situation) -> dict[str, int]:
    return {ticker: shares for ticker, shares in (there.selections.shares or {}).items() if shares}


def _own_target(there: Situation) -> dict[str, str]:
    """The weights of the chosen shares at the prices that the user saw, whatever fills of them.

    A name that is not in the catalogue any more has no price and no weight.
    """
    untradable = there.context.untradable
    chosen = {t: n for t, n in _chosen(there).items() if untradable.get(t) is not LeftOutReason.UNLISTED}
    weights = planner.composition(shares=chosen, prices=there.prices(chosen))
    return {ticker: str(weight) for ticker, weight in weights.items()}


def _check_kept(legs: Sequence[Leg], held: Mapping[str, int], unsettled: Mapping[str, int]) -> None:
    """A name that cannot be traded keeps its shares."""
    reasons = untradable_names({leg.ticker for leg in legs})
    kept = {ticker: f" Keep its shares: {held[ticker]}." if ticker in held else "" for ticker in reasons}
    if reasons:
        raise Invalid(*(f"constituents: {sentence(t, reason)}{kept[t]}" for t, reason in reasons.items()))
    check_size(_lines(legs))
    if late := settled_only(_lines(legs), held, unsettled)[1]:
        raise Invalid(*(f"constituents: {one.message}" for one in late))


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


_AROUND: Final[Mapping[OrderKind, Callable[[Situation], tuple[list[Leg], list[Leg]]]]] = {
    OrderKind.REBALANCE: _rebalance_around,
    OrderKind.EXIT: _exit_around,
    OrderKind.MANAGE: lambda there: (_manage(there), []),
}


def _fix(investment: Investment, context: OrderContext) -> Planned:
    """What cannot be traded is left out again, so that a later FIX finds it in this batch."""
    last = context.last
    if last is None:
        raise AssertionError("Only an investment with a batch is fixed.")
    root = last.batch.original_label or last.batch.label or OrderKind.FIX.value
    version = last.batch.version or investment.version
    unfilled = unfilled_lines(last.batch)
    lines, left_out = without_untradable(unfilled, untradable_names({line.security.ticker for line in unfilled}))
    lines, late = settled_only(lines, context.held, context.unsettled)
    left_out += late
    if left_out and not lines:
        raise NothingTradable(*(one.message for one in left_out))
    return Planned(
        *(lines, OrderKind.FIX.value, root, investment.iscid, version), target=last.batch.target, left_out=left_out
    )


def _amount(there: Situation) -> Decimal:
    if there.selections.amount is None:
        raise Invalid("amount: choose how much to invest.")
    return there.selections.amount


def _label(kind: OrderKind, legs: Iterable[Leg], held: Mapping[str, int]) -> str:
    """`legs` also of names that cannot be traded: who exits everything has exited everything."""
    if kind is not OrderKind.EXIT:
        return kind.value
    sold = {leg.ticker: leg.shares for leg in legs}
    return "SELLALL" if sold == dict(held) else "PARTIALEXIT"


def _buys(shares: Mapping[str, int]) -> list[Leg]:
    return [Leg(ticker, Side.BUY, count) for ticker, count in shares.items() if count]
