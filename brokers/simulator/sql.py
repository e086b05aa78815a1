"""Hot statements about the simulated brokers' books, as plain SQL."""

from collections.abc import Collection
from decimal import Decimal
from typing import Final

from django.db.models import DecimalField, IntegerField

from brokers.ports.broker import LiveSession
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from gateway.database.rows import Computed, RowReader, ValuesOf, locking
from gateway.models import Gateway

MONEY: Final = DecimalField(max_digits=20, decimal_places=2)
COUNT: Final = IntegerField()
_ACCOUNT_AND_GATEWAY = RowReader(a=SimAccount, g=Gateway)
_ORDER = RowReader(o=SimOrder)
_TRADED = RowReader(
    t=ValuesOf(SimTrade, "ticker"),
    rupees=Computed(
        "SUM(CASE t.side WHEN 'BUY' THEN -t.price * t.quantity ELSE t.price * t.quantity END - t.charges)", MONEY
    ),
    shares=Computed("SUM(CASE t.side WHEN 'BUY' THEN t.quantity ELSE -t.quantity END)", COUNT),
    trades=Computed("COUNT(*)", COUNT),
)
_RESTING = RowReader(
    o=ValuesOf(SimOrder, "ticker"),
    rupees=Computed("SUM(o.blocked)", MONEY),
    shares=Computed("SUM(CASE o.side WHEN 'BUY' THEN 0 ELSE o.quantity - o.filled_quantity END)", COUNT),
)


def locked_account(session: LiveSession) -> SimAccount | None:
    """With its gateway, locked until the caller's transaction ends."""
    rows: list[tuple[SimAccount, Gateway]] = _ACCOUNT_AND_GATEWAY.select(
        "FROM simulator_simaccount a JOIN gateway_gateway g ON g.id = a.gateway_id"
        " WHERE a.gateway_id = %s AND a.broker = %s AND a.client_id = %s"
        f" {locking('FOR UPDATE OF a')}",
        *(session.gateway, session.broker, session.client_id),
    )
    for account, gateway in rows:
        account.gateway = gateway
        return account
    return None


def orders_of(account: int, refs: Collection[str]) -> list[SimOrder]:
    """In the order of their keys."""
    return _ORDER.select_each(
        "FROM simulator_simorder o WHERE o.account_id = %s AND o.ref IN %s ORDER BY o.id", account, tuple(refs)
    )


def traded(account: int) -> list[tuple[str, Decimal, int, int]]:
    """Of each ticker: rupees that its trades brought in, less charges; shares that they brought in; their number."""
    return _TRADED.select(
        "FROM simulator_simtrade t WHERE t.account_id = %s GROUP BY t.ticker ORDER BY t.ticker", account
    )


def resting(account: int) -> list[tuple[str, Decimal, int]]:
    """Of each ticker's open orders that passed the risk check: rupees that buys block; shares that sales still sell."""
    return _RESTING.select(
        "FROM simulator_simorder o WHERE o.account_id = %s AND o.status = 'OPEN' AND o.admitted"
        " GROUP BY o.ticker ORDER BY o.ticker",
        account,
    )
