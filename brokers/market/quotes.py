"""The price of an instrument on one gateway at any moment."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings

from brokers import sql
from brokers.market.price_characters import FUND, Character, character_of
from brokers.market.prices import price_at
from brokers.models import Instrument


def missing_instruments() -> Iterator[str]:
    if not Instrument.objects.exists():
        yield "No instruments are loaded, so every basket is refused: run `manage.py load_instruments`."


@dataclass(frozen=True, slots=True)
class Quote:
    """An instrument's price as a function of time: the override if there is one, else the generated price."""

    ticker: str
    reference: Decimal
    tick: Decimal
    pin: Decimal | None
    seed: str
    name: str = ""
    character: Character = FUND
    priced_on: date | None = None

    def at(self, moment: datetime) -> Decimal:
        if self.pin is not None:
            return self.pin
        return price_at(
            reference=self.reference,
            tick=self.tick,
            seed=self.seed,
            ticker=self.ticker,
            character=self.character,
            priced_on=self.priced_on,
            at=moment,
        )


def quotes(gateway: int, tickers: Collection[str]) -> Mapping[str, Quote]:
    """Quotes by ticker; tickers that are not in the catalogue are omitted. One query."""
    seed = settings.MARKET_SEED
    return {
        ticker: Quote(ticker, reference, tick, pin, seed, name, character_of(kind, sector, ticker), priced_on)
        for ticker, reference, tick, name, kind, sector, priced_on, pin in sql.prices(gateway, tickers)
    }


def market_quote(instrument: Instrument) -> Quote:
    """Without the price override of any gateway."""
    return Quote(
        ticker=instrument.symbol,
        reference=instrument.reference_price,
        tick=instrument.tick_size,
        pin=None,
        seed=settings.MARKET_SEED,
        character=character_of(instrument.kind, instrument.sector, instrument.symbol),
        priced_on=instrument.priced_on,
    )
