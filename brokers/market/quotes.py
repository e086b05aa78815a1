"""The price of an instrument on one gateway at any moment."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from brokers import sql
from brokers.market.prices import price_at
from brokers.market.series import TRADE_TO_TRADE, Series
from brokers.models import Instrument


def missing_instruments() -> Iterator[str]:
    if not Instrument.objects.exists():
        yield "No instruments are loaded, so every basket is refused: run `manage.py load_instruments`."


@dataclass(frozen=True, slots=True)
class Quote:
    """An instrument's price as a function of time: the override if there is one, else the generated price.

    `price_band`: per cent of the previous close; None: no fixed band (brokers.models.Instrument).
    """

    ticker: str
    reference: Decimal
    tick: Decimal
    pin: Decimal | None
    seed: str
    name: str = ""
    series: str = Series.EQ.value
    price_band: int | None = None
    pinned_at: datetime | None = None

    def at(self, moment: datetime) -> Decimal:
        return self._generated(moment) if self.pin is None else self.pin

    def close(self, moment: datetime) -> Decimal:
        """The close of a session that ended at `moment`: a later override does not change it."""
        return self.at(moment) if self.pinned_at is None or self.pinned_at <= moment else self._generated(moment)

    def _generated(self, moment: datetime) -> Decimal:
        return price_at(reference=self.reference, tick=self.tick, seed=self.seed, ticker=self.ticker, at=moment)


def trade_to_trade(tickers: Collection[str]) -> set[str]:
    """Those tickers whose series is trade to trade."""
    return set(
        Instrument.objects.filter(symbol__in=tickers, series__in=TRADE_TO_TRADE).values_list("symbol", flat=True)
    )


def quotes(gateway: int, tickers: Collection[str]) -> Mapping[str, Quote]:
    """Quotes by ticker; tickers that are not in the catalogue are omitted. One query."""
    seed = settings.MARKET_SEED
    return {
        ticker: Quote(ticker, reference, tick, pin, seed, name, series, band, pinned_at)
        for ticker, reference, tick, name, series, band, pin, pinned_at in sql.prices(gateway, tickers)
    }
