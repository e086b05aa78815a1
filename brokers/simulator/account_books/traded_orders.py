"""The charges of a simulated account's trades: what each trade adds to the account's contract note of the day."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from brokers.market.charges import ChargeClass, ChargedOrder, ScripDay, Tariff, own_charges
from brokers.ports.broker import Side
from brokers.simulator import sql
from brokers.simulator.models import SimOrder, SimTrade
from gateway.values.timestamps import IST


@dataclass(frozen=True, slots=True)
class TradedOrders:
    """What an account has traded in some tickers, by ticker and IST day."""

    classes: Mapping[str, ChargeClass]
    _scrips: defaultdict[tuple[str, date], ScripDay] = field(default_factory=lambda: defaultdict(ScripDay))
    _turnovers: defaultdict[tuple[int, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def charge(self, trade: SimTrade, tariff: Tariff) -> None:
        """Sets the trade's charges in rupees: those of its order and scrip after the trade, less those before.

        So the charges of a day's trades add up to those of its orders, into however many trades they were split.
        """
        added = self._order(trade)
        before = replace(added, turnover=self._turnovers[trade.order_id, added.on])
        after = replace(added, turnover=before.turnover + added.turnover)
        own = own_charges(after, tariff).total - own_charges(before, tariff).total
        trade.charges = own + self._scrips[added.ticker, added.on].shared_charges(added, tariff).total

    def add(self, trade: SimTrade) -> None:
        added = self._order(trade)
        self._turnovers[trade.order_id, added.on] += added.turnover
        self._scrips[added.ticker, added.on].add(added)

    def estimate(self, order: SimOrder, turnover: Decimal, at: datetime, tariff: Tariff) -> Decimal:
        """Rupees that the order would be charged if it filled now and no other did."""
        filled = ChargedOrder(order.ticker, self.classes[order.ticker], Side(order.side), turnover, _day(at))
        return (
            own_charges(filled, tariff) + self._scrips[filled.ticker, filled.on].shared_charges(filled, tariff)
        ).total

    def _order(self, trade: SimTrade) -> ChargedOrder:
        """The trade alone."""
        turnover = trade.price * trade.quantity
        return ChargedOrder(trade.ticker, self.classes[trade.ticker], Side(trade.side), turnover, _day(trade.at))


def traded_orders(account: int, tickers: Collection[str], *, since: datetime) -> TradedOrders:
    """Of the IST day of `since` and later days. One query; the caller has locked the account."""
    first = since.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = sql.charge_classes_and_trades(account, tickers, since=first)
    traded = TradedOrders({ticker: ChargeClass(name) for ticker, name, _ in rows})
    for _, _, trade in rows:
        if trade is not None:
            traded.add(trade)
    return traded


def _day(at: datetime) -> date:
    return at.astimezone(IST).date()
