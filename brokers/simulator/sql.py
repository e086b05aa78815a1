"""Hot statements about the simulated brokers' books, as plain SQL."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import DateTimeField, DecimalField, IntegerField

from brokers.models import Instrument
from brokers.ports.broker import LiveSession, Verb
from brokers.simulator.models import BrokerFault, SimAccount, SimOrder, SimTrade
from brokers.simulator.personas import FaultKind, LinkFault
from gateway.database.rows import Computed, Only, RowReader, ValuesOf, locking
from gateway.models import Gateway

MONEY: Final = DecimalField(max_digits=20, decimal_places=2)
COUNT: Final = IntegerField()
_ORDER = RowReader(o=SimOrder)
_ACCOUNT = RowReader(a=SimAccount)
_FAULT = RowReader(f=ValuesOf(BrokerFault, "kind", "seconds", "set_at"))
_ACCOUNT_AND_FAULT = RowReader(a=SimAccount, g=Gateway, f=ValuesOf(BrokerFault, "kind", "seconds", "set_at"))
_TRADED = RowReader(
    t=ValuesOf(SimTrade, "ticker"),
    rupees=Computed(
        "SUM(CASE t.side WHEN 'BUY' THEN -t.price * t.quantity ELSE t.price * t.quantity END - t.charges)", MONEY
    ),
    shares=Computed("SUM(CASE t.side WHEN 'BUY' THEN t.quantity ELSE -t.quantity END)", COUNT),
    trades=Computed("COUNT(*)", COUNT),
    last_sale=Computed("MAX(CASE t.side WHEN 'SELL' THEN t.at END)", DateTimeField()),
)
_CLASS_AND_TRADE = RowReader(
    i=ValuesOf(Instrument, "symbol", "charge_class"),
    t=Only(SimTrade, "order", "ticker", "side", "quantity", "price", "at"),
)
_IN_SLICES = RowReader(
    t=ValuesOf(SimTrade, "order", "slice"),
    shares=Computed("SUM(t.quantity)", COUNT),
    rupees=Computed("SUM(t.price * t.quantity)", MONEY),
)
_BOUGHT = RowReader(
    t=ValuesOf(SimTrade, "ticker"),
    shares=Computed("SUM(t.quantity)", COUNT),
    today=Computed("SUM(CASE WHEN t.at >= %s THEN t.quantity ELSE 0 END)", COUNT),
    rupees=Computed("SUM(CASE WHEN t.at >= %s THEN t.price * t.quantity ELSE 0 END)", MONEY),
)
_SOLD = RowReader(rupees=Computed("SUM(t.price * t.quantity)", MONEY))
_RESTING = RowReader(
    o=ValuesOf(SimOrder, "ticker"),
    rupees=Computed("SUM(o.blocked)", MONEY),
    shares=Computed("SUM(CASE o.side WHEN 'BUY' THEN 0 ELSE o.quantity - o.filled_quantity END)", COUNT),
)


def link_fault(gateway: int, broker: str, verb: Verb) -> LinkFault | None:
    """The fault that is switched on for the verb."""
    rows = _FAULT.select(
        "FROM simulator_brokerfault f WHERE f.gateway_id = %s AND f.broker = %s AND f.verb = %s",
        *(gateway, broker, verb.value),
    )
    return next((_fault(*row) for row in rows), None)


def accounts_of(gateway: int, broker: str, client_ids: Collection[str]) -> dict[str, SimAccount]:
    """By client id."""
    rows: list[SimAccount] = _ACCOUNT.select_each(
        "FROM simulator_simaccount a WHERE a.gateway_id = %s AND a.broker = %s AND a.client_id IN %s",
        *(gateway, broker, tuple(client_ids)),
    )
    return {account.client_id: account for account in rows}


def account_and_fault(session: LiveSession, verb: Verb, *, locked: bool) -> tuple[SimAccount | None, LinkFault | None]:
    """The account with its gateway, and the fault that is switched on for the verb; neither for an unknown client.

    `locked`: the account is locked until the caller's transaction ends.
    """
    rows: list[tuple[SimAccount, Gateway, str | None, float | None, datetime | None]] = _ACCOUNT_AND_FAULT.select(
        "FROM simulator_simaccount a JOIN gateway_gateway g ON g.id = a.gateway_id LEFT JOIN simulator_brokerfault f"
        " ON f.gateway_id = a.gateway_id AND f.broker = a.broker AND f.verb = %s"
        " WHERE a.gateway_id = %s AND a.broker = %s AND a.client_id = %s"
        f" {locking('FOR UPDATE OF a') if locked else ''}",
        *(verb.value, session.gateway, session.broker, session.client_id),
    )
    for account, gateway, kind, seconds, set_at in rows:
        account.gateway = gateway
        return account, _fault(kind, seconds, set_at) if kind else None
    return None, None


def _fault(kind: str, seconds: float | None, set_at: datetime | None) -> LinkFault:
    return LinkFault(FaultKind(kind), seconds, set_at)


def orders_of(account: int, refs: Collection[str]) -> list[SimOrder]:
    """In the order of their keys."""
    return _ORDER.select_each(
        "FROM simulator_simorder o WHERE o.account_id = %s AND o.ref IN %s ORDER BY o.id", account, tuple(refs)
    )


def traded(account: int) -> list[tuple[str, Decimal, int, int, datetime | None]]:
    """Of each ticker: rupees that its trades brought in, less charges; shares that they brought in; their number.

    Last when shares of it were sold, if they were.
    """
    return _TRADED.select(
        "FROM simulator_simtrade t WHERE t.account_id = %s GROUP BY t.ticker ORDER BY t.ticker", account
    )


def traded_in_slices(orders: Collection[int]) -> list[tuple[int, int, int, Decimal]]:
    """Of each order's slices that have trades: order, slice, shares, and rupees without charges."""
    return _IN_SLICES.select(
        "FROM simulator_simtrade t WHERE t.order_id IN %s GROUP BY t.order_id, t.slice", tuple(orders)
    )


def bought_since(account: int, since: datetime, *, today: datetime) -> list[tuple[str, int, int, Decimal]]:
    """Of each ticker bought since then: shares; shares bought since `today`, and rupees for these without charges."""
    return _BOUGHT.select(
        "FROM simulator_simtrade t WHERE t.account_id = %s AND t.side = 'BUY' AND t.at >= %s"
        " GROUP BY t.ticker ORDER BY t.ticker",
        *(today, today, account, since),
    )


def sold_since(account: int, since: datetime) -> Decimal:
    """Rupees of the account's sales from `since` on, before charges."""
    (sold,) = _SOLD.select_each(
        "FROM simulator_simtrade t WHERE t.account_id = %s AND t.side = 'SELL' AND t.at >= %s", account, since
    )
    return sold or Decimal(0)


def resting(account: int) -> list[tuple[str, Decimal, int]]:
    """Of each ticker's open orders that passed the risk check: rupees that buys block; shares that sales still sell."""
    return _RESTING.select(
        "FROM simulator_simorder o WHERE o.account_id = %s AND o.status = 'OPEN' AND o.admitted"
        " GROUP BY o.ticker ORDER BY o.ticker",
        account,
    )


def charge_classes_and_trades(
    account: int, tickers: Collection[str], *, since: datetime
) -> list[tuple[str, str, SimTrade | None]]:
    """Each known ticker with its charge class and each of the account's trades since then; None if there is none."""
    return _CLASS_AND_TRADE.select(
        "FROM brokers_instrument i LEFT JOIN simulator_simtrade t"
        " ON t.ticker = i.symbol AND t.account_id = %s AND t.at >= %s WHERE i.symbol IN %s ORDER BY t.order_id, t.id",
        *(account, since, tuple(tickers)),
    )
