"""The price of an instrument on one gateway at any moment."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings

from brokers import sql
from brokers.market.price_characters import FUND, Character, character_of
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
    character: Character = FUND
    priced_on: date | None = None
    series: str = Series.EQ.value
    price_band: int | None = None
    pinned_at: datetime | None = None

    def at(self, moment: datetime) -> Decimal:
        return self._generated(moment) if self.pin is None else self.pin

    def close(self, moment: datetime) -> Decimal:
        """The close of a session that ended at `moment`: a later override does not change it."""
        return self.at(moment) if self.pinned_at is None or self.pinned_at <= moment else self._generated(moment)

    def _generated(self, moment: datetime) -> Decimal:
        return price_at(
            reference=self.reference,
            tick=self.tick,
            seed=self.seed,
            ticker=self.ticker,
            character=self.character,
            priced_on=self.priced_on,
            at=moment,
        )


def trade_to_trade(tickers: Collection[str]) -> set[str]:
    """Those tickers whose series is trade to trade."""
    return set(
        Instrument.objects.filter(symbol__in=tickers, series__in=TRADE_TO_TRADE).values_list("symbol", flat=True)
    )


def quotes(gateway: int, tickers: Collection[str]) -> Mapping[str, Quote]:
    """Quotes by ticker; tickers that are not in the catalogue are omitted. One query."""
    seed = settings.MARKET_SEED
    return {
        row.symbol: Quote(
            ticker=row.symbol,
            reference=row.reference_price,
            tick=row.tick_size,
            pin=row.override,
            seed=seed,
            name=row.name,
            character=character_of(row.kind, row.sector, row.symbol),
            priced_on=row.priced_on,
            series=row.series,
            price_band=row.price_band,
            pinned_at=row.overridden_at,
        )
        for row in sql.prices(gateway, tickers)
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
