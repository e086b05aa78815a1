"""Hot statements about instruments and their prices, as plain SQL."""

from collections.abc import Collection
from decimal import Decimal

from brokers.models import Instrument, PriceOverride
from gateway.database.rows import RowReader, ValuesOf

_PRICES = RowReader(
    i=ValuesOf(Instrument, "symbol", "reference_price", "tick_size", "name"), p=ValuesOf(PriceOverride, "price")
)
_SYMBOL = RowReader(i=ValuesOf(Instrument, "symbol"))


def prices(gateway: int, symbols: Collection[str]) -> list[tuple[str, Decimal, Decimal, str, Decimal | None]]:
    """Symbol, reference price, tick size, name, and the gateway's pinned price if there is one; known symbols only."""
    return _PRICES.select(
        "FROM brokers_instrument i"
        " LEFT JOIN brokers_pricepin p ON p.instrument_id = i.id AND p.gateway_id = %s"
        " WHERE i.symbol IN %s",
        gateway,
        tuple(symbols),
    )


def halted(symbols: Collection[str]) -> list[str]:
    """Tickers that cannot be traded now, in alphabetical order."""
    return _SYMBOL.select_each(
        "FROM brokers_instrument i WHERE i.symbol IN %s AND NOT i.tradable ORDER BY i.symbol", tuple(symbols)
    )
