"""An account's funds and holdings, which are sums over its tradebook, and the risk check."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Case, F, IntegerField, Q, Sum, When

from brokers.market.calendar import market_of
from brokers.market.charges import Tariff, charges
from brokers.market.hours import HORIZON
from brokers.market.proceeds import held_back, held_back_since
from brokers.market.quotes import Quote
from brokers.ports.broker import Holding, OrderType, Side
from brokers.simulator import sql
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from brokers.simulator.sql import MONEY
from gateway.values.money import average, rupees

IS_BUY = Q(side=Side.BUY.value)
# Sums over trades: turnover in rupees, the change of funds in rupees, the change of holdings in shares.
TURNOVER: Final = F("price") * F("quantity")
CASH: Final = Case(When(IS_BUY, then=-TURNOVER - F("charges")), default=TURNOVER - F("charges"), output_field=MONEY)
SHARES: Final = Case(When(IS_BUY, then=F("quantity")), default=-F("quantity"), output_field=IntegerField())
MARGINS_EXCEEDED: Final = "marginsExceeded"
CHECK_HOLDINGS: Final = "checkHoldings"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Sums over all trades of an account: rupees received less rupees paid and charges; shares by ticker."""

    rupees: Decimal
    shares: Mapping[str, int]
    trades: int
    last_sale: datetime | None


def ledger(account: SimAccount) -> Ledger:
    """One query, which sums the account's trades in the database."""
    rows = sql.traded(account.pk)
    came_in = sum((rupees for _, rupees, *_ in rows), Decimal(0))
    shares = {ticker: shares for ticker, _, shares, *_ in rows}
    last_sale = max((sold for *_, sold in rows if sold), default=None)
    return Ledger(came_in, shares, sum(trades for *_, trades, _ in rows), last_sale)


def free_funds(account: SimAccount, now: datetime) -> Decimal:
    """Rupees that can be spent now: the opening funds and the sum of all trades, without proceeds held back."""
    traded = ledger(account)
    return max(account.opening_funds + traded.rupees - _held_back(account, traded, now), Decimal(0))


def _held_back(account: SimAccount, traded: Ledger, now: datetime) -> Decimal:
    """Two more queries if shares were sold lately: no market has been closed for longer than HORIZON days."""
    if traded.last_sale is None or traded.last_sale < now - timedelta(days=HORIZON):
        return Decimal(0)
    since = held_back_since(market_of(account.gateway, now=now), now)
    return held_back(sql.sold_since(account.pk, since), account.broker)


def holdings(account: SimAccount) -> list[Holding]:
    """Shares held, with the average price of their buys."""
    bought = SimTrade.objects.filter(IS_BUY, account=account).values_list("ticker").order_by("ticker")
    prices = {
        ticker: average(Decimal(cost) / quantity)
        for ticker, cost, quantity in bought.annotate(cost=Sum(TURNOVER, output_field=MONEY), shares=Sum("quantity"))
    }
    return [Holding(t, shares, prices[t]) for t, shares in ledger(account).shares.items() if shares > 0 and t in prices]


def sellable(account: SimAccount, tickers: Sequence[str]) -> list[Holding]:
    """Shares that the account may sell: its holdings and, on a test account, the shares lent to it."""
    held = ledger(account).shares
    return [Holding(ticker, held.get(ticker, 0) + account.lent_shares, Decimal(0)) for ticker in tickers]


@dataclass(slots=True)
class Balances:
    """An account's funds and shares, in all and not blocked by open orders. Used only while the account is locked.

    `funds` and `free_funds` in rupees; shares by ticker, held and lent; `serial` is that of the last trade. Of a
    day's sales only a part is free at `broker` (brokers.market.proceeds).
    """

    funds: Decimal
    free_funds: Decimal
    shares: Counter[str]
    free_shares: Counter[str]
    lent: int
    serial: int
    broker: str

    def refusal(self, order: SimOrder, cost: Decimal) -> str:
        """The risk check: the errorCode with which the broker rejects the order, or an empty string."""
        if order.side == Side.BUY:
            return MARGINS_EXCEEDED if cost > self.free_funds else ""
        return CHECK_HOLDINGS if order.quantity > self.sellable(order.ticker) else ""

    def sellable(self, ticker: str) -> int:
        return self.lent + self.free_shares[ticker]

    def block(self, order: SimOrder, cost: Decimal) -> None:
        """Blocks the funds or shares of an order that passed the risk check."""
        if order.side == Side.BUY:
            order.blocked = cost
            self.free_funds -= cost
        else:
            self.free_shares[order.ticker] -= order.quantity

    def release(self, order: SimOrder) -> None:
        """Frees what an ended order had blocked and not used."""
        if order.side == Side.BUY:
            self.free_funds += order.blocked
        else:
            self.free_shares[order.ticker] += order.quantity - order.filled_quantity

    def cover(self, order: SimOrder, trade: SimTrade) -> bool:
        """Whether the account can pay for the trade. Prices move: a buy may cost more than the order blocked.

        A tester may fill an order before its risk check; then the order has blocked nothing.
        """
        if order.side == Side.BUY:
            return trade.price * trade.quantity + trade.charges <= self.free_funds + _released(order, trade.quantity)
        return trade.quantity <= self.sellable(order.ticker) + (trade.quantity if order.admitted else 0)

    def take(self, order: SimOrder, trade: SimTrade) -> None:
        """Books the trade before the order counts it, and stores the resulting balances in the trade."""
        turnover = trade.price * trade.quantity
        if order.side == Side.BUY:
            released = _released(order, trade.quantity)
            order.blocked -= released
            self.free_funds += released
            self._move(order.ticker, trade.quantity, -turnover - trade.charges)
        else:
            self.free_shares[order.ticker] += trade.quantity if order.admitted else 0
            self._move(order.ticker, -trade.quantity, turnover - trade.charges)
            self.free_funds -= held_back(turnover, self.broker)
        self.serial += 1
        trade.serial, trade.funds_after = self.serial, self.funds
        trade.shares_after = self.lent + self.shares[order.ticker]

    def _move(self, ticker: str, shares: int, rupees: Decimal) -> None:
        self.funds += rupees
        self.free_funds += rupees
        self.shares[ticker] += shares
        self.free_shares[ticker] += shares


def balances(account: SimAccount, now: datetime) -> Balances:
    """The balances of an account that the caller has locked."""
    traded, resting = ledger(account), sql.resting(account.pk)
    funds, shares = account.opening_funds + traded.rupees, Counter(traded.shares)
    free_funds, free_shares = funds - _held_back(account, traded, now), shares.copy()
    for ticker, blocked, to_sell in resting:
        free_funds -= blocked
        free_shares[ticker] -= to_sell
    return Balances(funds, free_funds, shares, free_shares, account.lent_shares, traded.trades, account.broker)


def cost(order: SimOrder, quote: Quote, arrived_at: datetime, tariff: Tariff) -> Decimal:
    """Rupees that a buy blocks: at its limit, its trigger or the price at its arrival, plus charges."""
    limit = order.price if order.order_type in {OrderType.LIMIT, OrderType.SL} else order.trigger_price
    turnover = (limit or quote.at(arrived_at)) * order.quantity
    return turnover + charges(tariff, Side.BUY, turnover)


def _released(order: SimOrder, quantity: int) -> Decimal:
    """Rupees that the order no longer needs to block after `quantity` more shares have filled."""
    return rupees(order.blocked * quantity / (order.quantity - order.filled_quantity))
