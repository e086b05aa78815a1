"""Hot statements about instruments, their prices, and sessions at brokers, as plain SQL."""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from brokers.market.charges import ChargeClass
from brokers.market.series import TRADE_TO_TRADE
from brokers.models import BrokerSession, Instrument, PriceOverride
from gateway.database.rows import RowReader, ValuesOf, changed

_PRICES = RowReader(
    i=ValuesOf(
        Instrument,
        *("symbol", "reference_price", "tick_size", "name"),
        *("kind", "sector", "priced_on", "series", "price_band"),
    ),
    p=ValuesOf(PriceOverride, "price", "set_at"),
)
_CHARGE_CLASS = RowReader(i=ValuesOf(Instrument, "symbol", "charge_class"))
_TRADABLE = RowReader(i=ValuesOf(Instrument, "symbol", "tradable"))
_SYMBOL = RowReader(i=ValuesOf(Instrument, "symbol"))
_SESSION = RowReader(s=BrokerSession)


class PriceRow(NamedTuple):
    """An instrument and the gateway's price override, if there is one. Rupees; `price_band` in per cent."""

    symbol: str
    reference_price: Decimal
    tick_size: Decimal
    name: str
    kind: str
    sector: str
    priced_on: date | None
    series: str
    price_band: int | None
    override: Decimal | None
    overridden_at: datetime | None


def prices(gateway: int, symbols: Collection[str]) -> list[PriceRow]:
    """Of known symbols only."""
    rows = _PRICES.select(
        "FROM brokers_instrument i"
        " LEFT JOIN brokers_pricepin p ON p.instrument_id = i.id AND p.gateway_id = %s"
        " WHERE i.symbol IN %s",
        gateway,
        tuple(symbols),
    )
    return [PriceRow(*row) for row in rows]


def charge_classes(symbols: Collection[str]) -> dict[str, ChargeClass]:
    """By symbol; known symbols only."""
    rows = _CHARGE_CLASS.select("FROM brokers_instrument i WHERE i.symbol IN %s", tuple(symbols))
    return {symbol: ChargeClass(name) for symbol, name in rows}


def tradable(symbols: Collection[str]) -> dict[str, bool]:
    """Whether each known ticker can be traded now; tickers that are not in the catalogue are left out."""
    return dict(_TRADABLE.select("FROM brokers_instrument i WHERE i.symbol IN %s", tuple(symbols)))


def trade_to_trade(symbols: Collection[str]) -> list[str]:
    """The tickers whose trades are settled one by one, in alphabetical order."""
    return _SYMBOL.select_each(
        "FROM brokers_instrument i WHERE i.symbol IN %s AND i.series IN %s ORDER BY i.symbol",
        *(tuple(symbols), tuple(series.value for series in sorted(TRADE_TO_TRADE))),
    )


def start_session(*, account: int, encrypted_token: str, started_at: datetime, ends_at: datetime | None) -> None:
    """The account's live session; another live one is replaced, also by a login at the same moment."""
    changed(
        "INSERT INTO brokers_brokersession (account_id, encrypted_token, started_at, ends_at, end_reason)"
        " VALUES (%s, %s, %s, %s, '') ON CONFLICT (account_id) WHERE ended_at IS NULL DO UPDATE"
        " SET encrypted_token = excluded.encrypted_token, started_at = excluded.started_at, ends_at = excluded.ends_at",
        (account, encrypted_token, started_at, ends_at),
    )


def live_sessions(accounts: Collection[int]) -> dict[int, BrokerSession]:
    """By account."""
    rows = _SESSION.select_each(
        "FROM brokers_brokersession s WHERE s.account_id IN %s AND s.ended_at IS NULL", tuple(accounts)
    )
    return {row.account_id: row for row in rows}
