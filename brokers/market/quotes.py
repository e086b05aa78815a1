"""The price of an instrument on one gateway at any moment."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from brokers import sql
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

    def at(self, moment: datetime) -> Decimal:
        if self.pin is not None:
            return self.pin
        return price_at(reference=self.reference, tick=self.tick, seed=self.seed, ticker=self.ticker, at=moment)


def quotes(gateway: int, tickers: Collection[str]) -> Mapping[str, Quote]:
    """Quotes by ticker; tickers that are not in the catalogue are omitted. One query."""
    seed = settings.MARKET_SEED
    return {
        ticker: Quote(ticker, reference, tick, pin, seed, name)
        for ticker, reference, tick, name, pin in sql.prices(gateway, tickers)
    }
