"""An account's funds and holdings, which are sums over its tradebook, and the risk check."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models import Case, F, IntegerField, Q, When

from brokers.market.calendar import market_of
from brokers.market.charges import Tariff
from brokers.market.hours import HORIZON
from brokers.market.proceeds import held_back, held_back_since
from brokers.market.quotes import Quote
from brokers.ports.broker import Holding, OrderType, Side
from brokers.simulator import sql
from brokers.simulator.account_books.delivery import NOTHING, Undelivered, locked, undelivered
from brokers.simulator.account_books.traded_orders import TradedOrders, traded_orders
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


def holdings(account: SimAccount, now: datetime) -> list[Holding]:
    """Shares held, with their moving average price, and those that have not arrived yet."""
    trades: dict[str, list[tuple[str, int, Decimal]]] = {}
    rows = SimTrade.objects.filter(account=account).order_by("ticker", "pk")
    for ticker, side, quantity, price in rows.values_list("ticker", "side", "quantity", "price"):
        trades.setdefault(ticker, []).append((side, quantity, price))
    averages = [(ticker, *moving_average(of)) for ticker, of in trades.items()]
    held = [Holding(ticker, shares, average(price)) for ticker, shares, price in averages if shares > 0]
    waiting, tied = undelivered(account, now), locked(account, trades.keys(), now)
    return [_delivered(one, waiting.get(one.ticker, NOTHING), tied.get(one.ticker, 0)) for one in held]


def moving_average(trades: Iterable[tuple[str, int, Decimal]]) -> tuple[int, Decimal]:
    """Shares and their average price after `trades` of one ticker: side, shares and rupees per share, in order.

    A sale keeps the average; a buy after the holding was zero starts a new one, as in brokers' holdings. Shares that
    were lent and sold count as below zero: the shares that give them back cost the holding nothing.
    """
    shares, price = 0, Decimal(0)
    for side, quantity, paid in trades:
        if side == Side.BUY:
            own = max(shares, 0)
            price = (price * own + paid * quantity) / (own + quantity)
        shares += quantity if side == Side.BUY else -quantity
    return shares, price


def _delivered(held: Holding, waiting: Undelivered, tied: int) -> Holding:
    """Sales took the oldest shares, so the youngest are left."""
    today = min(waiting.today, held.quantity)
    t1 = min(waiting.t1, held.quantity - today)
    price = waiting.today_price if today else None
    return replace(held, today=today, t1=t1, today_price=price, locked=min(tied, held.quantity))


def sellable(account: SimAccount, tickers: Sequence[str], now: datetime) -> list[Holding]:
    """Shares that the account may sell: its holdings and, on a test account, the shares lent to it."""
    held, tied = ledger(account).shares, locked(account, tickers, now)
    free = {ticker: held.get(ticker, 0) + account.lent_shares - tied.get(ticker, 0) for ticker in tickers}
    return [Holding(ticker, max(shares, 0), Decimal(0)) for ticker, shares in free.items()]


@dataclass(slots=True)
class Balances:
    """An account's funds and shares, in all and not blocked by open orders. Used only while the account is locked.

    `funds` and `free_funds` in rupees; shares by ticker, held and lent; `serial` is that of the last trade; `traded`
    are the trades that share a contract note with the next ones. Of a day's sales only a part is free at `broker`
    (brokers.market.proceeds).
    """

    funds: Decimal
    free_funds: Decimal
    shares: Counter[str]
    free_shares: Counter[str]
    lent: int
    serial: int
    broker: str
    traded: TradedOrders

    def refusal(self, order: SimOrder, cost: Decimal, locked: int = 0) -> str:
        """The risk check: the errorCode with which the broker rejects the order, or an empty string.

        `locked`: shares of the ticker that cannot be sold before they arrive.
        """
        if order.side == Side.SELL and order.quantity > self.sellable(order.ticker) - locked:
            return CHECK_HOLDINGS
        return MARGINS_EXCEEDED if cost > self.free_funds else ""

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

    def shortfall(self, order: SimOrder, trade: SimTrade) -> str:
        """The errorCode of a trade for which the account lacks funds or shares, or an empty string.

        Prices move: a buy may cost more than the order blocked. A small sale may bring in less than its charges. A
        tester may fill an order before its risk check; then the order has blocked nothing.
        """
        if order.side == Side.BUY:
            lacks = _cost(trade) > self.free_funds + _released(order, trade)
            return MARGINS_EXCEEDED if lacks else ""
        if trade.quantity > self.sellable(order.ticker) + (trade.quantity if order.admitted else 0):
            return CHECK_HOLDINGS
        return MARGINS_EXCEEDED if _cost(trade) > self.free_funds else ""

    def take(self, order: SimOrder, trade: SimTrade) -> None:
        """Books the trade before the order counts it, and stores the resulting balances in the trade."""
        if order.side == Side.BUY:
            released = _released(order, trade)
            order.blocked -= released
            self.free_funds += released
            self._move(order.ticker, trade.quantity, -_cost(trade))
        else:
            self.free_shares[order.ticker] += trade.quantity if order.admitted else 0
            self._move(order.ticker, -trade.quantity, -_cost(trade))
            self.free_funds -= held_back(trade.price * trade.quantity, self.broker)
        self.traded.add(trade)
        self.serial += 1
        trade.serial, trade.funds_after = self.serial, self.funds
        trade.shares_after = self.lent + self.shares[order.ticker]

    def _move(self, ticker: str, shares: int, rupees: Decimal) -> None:
        self.funds += rupees
        self.free_funds += rupees
        self.shares[ticker] += shares
        self.free_shares[ticker] += shares


def balances(account: SimAccount, tickers: Collection[str], *, since: datetime, now: datetime) -> Balances:
    """The balances of an account that the caller has locked, for trades in `tickers` on the day of `since` or later."""
    traded, resting = ledger(account), sql.resting(account.pk)
    funds, shares = account.opening_funds + traded.rupees, Counter(traded.shares)
    free_funds, free_shares = funds - _held_back(account, traded, now), shares.copy()
    for ticker, blocked, to_sell in resting:
        free_funds -= blocked
        free_shares[ticker] -= to_sell
    return Balances(
        funds,
        free_funds,
        shares,
        free_shares,
        account.lent_shares,
        traded.trades,
        account.broker,
        traded_orders(account.pk, tickers, since=since),
    )


def cost(order: SimOrder, quote: Quote, arrived_at: datetime, tariff: Tariff, traded: TradedOrders) -> Decimal:
    """Rupees that an order needs: a buy its price and charges, a sale what its charges exceed its proceeds by.

    The price is the order's limit, its trigger or the price at its arrival.
    """
    limit = order.price if order.order_type in {OrderType.LIMIT, OrderType.SL} else order.trigger_price
    turnover = (limit or quote.at(arrived_at)) * order.quantity
    charges = traded.estimate(order, turnover, arrived_at, tariff)
    return turnover + charges if order.side == Side.BUY else max(charges - turnover, Decimal(0))


def _cost(trade: SimTrade) -> Decimal:
    """Rupees that the trade takes from the funds; below zero if it brings some in."""
    turnover = trade.price * trade.quantity
    return trade.charges + (turnover if trade.side == Side.BUY else -turnover)


def _released(order: SimOrder, trade: SimTrade) -> Decimal:
    """Rupees that the order no longer needs to block after the trade: the trade's part of the block.

    The first trades of an order pay most of its brokerage: they may use more, as far as their charges go.
    """
    part = rupees(order.blocked * trade.quantity / (order.quantity - order.filled_quantity))
    return min(max(part, min(_cost(trade), part + trade.charges)), order.blocked)
