"""The broker's books: funds, holdings and the risk check, all sums over the tradebook."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, DecimalField, F, IntegerField, Q, QuerySet, Sum, When

from brokers.port import Holding, OrderType, Side
from brokers.prices import within_band
from brokers.quotes import Quote
from brokers.simulator.models import SimAccount, SimOrder, SimTrade, Status
from gateway.compiled import compiled
from gateway.money import average

MONEY = DecimalField(max_digits=20, decimal_places=2)
IS_BUY = Q(side=Side.BUY.value)


@dataclass(frozen=True, slots=True)
class Ledger:
    """All trades of an account together: rupees that came in, less what went out and all charges; shares by ticker."""

    rupees: Decimal
    shares: Mapping[str, int]


def ledger(account: SimAccount) -> Ledger:
    rows = _traded(account=account.pk)
    return Ledger(sum((rupees for _, rupees, _ in rows), Decimal(0)), {ticker: shares for ticker, _, shares in rows})


@compiled
def _traded(*, account: int) -> QuerySet[SimTrade, tuple[str, Decimal, int]]:
    """Ticker, rupees, shares."""
    turnover = F("price") * F("quantity")
    cash = Case(When(IS_BUY, then=-turnover - F("charges")), default=turnover - F("charges"), output_field=MONEY)
    signed = Case(When(IS_BUY, then=F("quantity")), default=-F("quantity"), output_field=IntegerField())
    sums = SimTrade.objects.filter(account=account).values_list("ticker").order_by("ticker")
    return sums.annotate(rupees=Sum(cash, output_field=MONEY), shares=Sum(signed))


def free_funds(account: SimAccount) -> Decimal:
    """Rupees: the opening funds and what the trades have made of them."""
    return account.opening_funds + ledger(account).rupees


def holdings(account: SimAccount) -> list[Holding]:
    """What is held, with the average price of its buys."""
    turnover = F("price") * F("quantity")
    bought = SimTrade.objects.filter(IS_BUY, account=account).values_list("ticker").order_by("ticker")
    prices = {
        ticker: average(Decimal(cost) / quantity)
        for ticker, cost, quantity in bought.annotate(cost=Sum(turnover, output_field=MONEY), shares=Sum("quantity"))
    }
    return [Holding(t, shares, prices[t]) for t, shares in ledger(account).shares.items() if shares > 0 and t in prices]


def sellable(account: SimAccount, tickers: Sequence[str]) -> list[Holding]:
    """What the broker lets go of each: what is held, and on a test account what is lent."""
    held = ledger(account).shares
    return [Holding(ticker, held.get(ticker, 0) + account.lent_shares, Decimal(0)) for ticker in tickers]


def refuse_what_is_not_covered(
    account: SimAccount, orders: Iterable[SimOrder], quotes: Mapping[str, Quote]
) -> dict[str, str]:
    """The risk check, in the orders' order: errorCode by ref for those that funds, holdings or the band refuse."""
    waiting = list(orders)
    resting, traded = _resting(account), ledger(account)
    funds = account.opening_funds + traded.rupees - resting.rupees
    shares = {
        order.ticker: account.lent_shares + traded.shares.get(order.ticker, 0) - resting.shares.get(order.ticker, 0)
        for order in waiting
    }
    refused: dict[str, str] = {}
    for order in waiting:
        quote = quotes[order.ticker]
        cost = _cost(order, quote)
        if order.price is not None and not within_band(order.price, quote.reference):
            refused[order.ref] = "circuitLimitExceeded"
        elif order.side == Side.BUY and cost > funds:
            refused[order.ref] = "marginsExceeded"
        elif order.side == Side.SELL and order.quantity > shares[order.ticker]:
            refused[order.ref] = "checkHoldings"
        elif order.side == Side.BUY:
            funds -= cost
        else:
            shares[order.ticker] -= order.quantity
    return refused


def _cost(order: SimOrder, quote: Quote) -> Decimal:
    """What a buy blocks: its limit, or the price at which it was placed; rupees."""
    limit = None if order.order_type in {OrderType.MARKET, OrderType.SLM} else order.price
    return (limit or quote.at(order.placed_at)) * order.quantity


@dataclass(frozen=True, slots=True)
class Resting:
    """What orders at the exchange have spoken for: rupees of buys at their limits, shares of sells."""

    rupees: Decimal
    shares: Mapping[str, int]


def _resting(account: SimAccount) -> Resting:
    sums = _at_work(account=account.pk)
    return Resting(
        rupees=sum((value for side, _, _, value in sums if side == Side.BUY and value), Decimal(0)),
        shares={ticker: shares for side, ticker, shares, _ in sums if side == Side.SELL},
    )


@compiled
def _at_work(*, account: int) -> QuerySet[SimOrder, tuple[str, str, int, Decimal | None]]:
    """Side, ticker, shares, rupees."""
    rest = F("quantity") - F("filled_quantity")
    open_ones = SimOrder.objects.filter(account=account, status=Status.OPEN, admitted=True)
    rows = open_ones.values_list("side", "ticker").order_by("side", "ticker")
    return rows.annotate(shares=Sum(rest), value=Sum(rest * F("price"), output_field=MONEY))
