"""Prices that a tester has fixed for one gateway."""

from datetime import datetime
from decimal import Decimal

from brokers.market.quotes import quotes
from brokers.models import Instrument, PriceOverride
from gateway.database.lookups import first_or_not_found
from gateway.models import Gateway
from gateway.values.errors import Invalid
from gateway.values.money import is_multiple


def override_price(*, gateway: Gateway, ticker: str, price: Decimal, now: datetime) -> None:
    """The override lasts until it is removed; a second override replaces the first."""
    instrument = _instrument(ticker)
    if not is_multiple(price, instrument.tick_size):
        raise Invalid(f"price: must be a multiple of the tick size, {instrument.tick_size}.")
    PriceOverride.objects.update_or_create(
        gateway=gateway, instrument=instrument, defaults={"price": price, "set_at": now}
    )


def remove_override(*, gateway: Gateway, ticker: str, now: datetime) -> Decimal:
    """The instrument's price without the override, in rupees. Without an override nothing changes."""
    instrument = _instrument(ticker)
    PriceOverride.objects.filter(gateway=gateway, instrument=instrument).delete()
    return quotes(gateway.pk, [ticker])[ticker].at(now)


def _instrument(ticker: str) -> Instrument:
    return first_or_not_found(Instrument.objects.filter(symbol=ticker), "There is no instrument with this symbol.")
