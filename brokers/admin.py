"""The console's pages about the market: instruments are read-only, exceptions to the calendar can be edited."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.utils.safestring import SafeString

from brokers.market.prices import price_at
from brokers.models import Instrument, MarketDay, PriceOverride
from gateway.console.audited_admin import Audited
from gateway.console.charts import line
from gateway.console.read_only_admin import ReadOnlyAdmin
from gateway.partners import clock

DAYS: Final = 90


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = ("symbol", "name", "kind", "sector", "tick_size", "reference_price", "tradable")
    list_filter = ("kind", "tradable", "sector")
    search_fields = ("symbol", "name", "=isin")
    search_help_text = "Part of the symbol or the name, or an ISIN"
    ordering = ("symbol",)
    readonly_fields = ("chart",)

    @admin.display(description="price, ₹")
    def chart(self, instrument: Instrument) -> SafeString:
        """The generated prices, which are the same on all gateways; price overrides are not in it."""
        known: dict[str, Any] = {
            "reference": instrument.reference_price,
            "tick": instrument.tick_size,
            "seed": settings.MARKET_SEED,
            "ticker": instrument.symbol,
        }
        moments = [clock.wall() - timedelta(days=day) for day in range(DAYS, -1, -1)]
        prices = [float(price_at(**known, at=moment)) for moment in moments]
        return line(f"Price of {instrument}", [f"{moment:%Y-%m-%d}" for moment in moments], prices)


@admin.register(MarketDay)
class MarketDayAdmin(Audited, admin.ModelAdmin[MarketDay]):
    """An extra holiday, or a special session such as Muhurat trading. The published calendar needs no rows."""

    list_display = ("day", "opens", "closes", "note")
    date_hierarchy = "day"


@admin.register(PriceOverride)
class PricePinAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "gateway", "price", "set_at")
    list_select_related = ("instrument", "gateway")
    search_fields = ("instrument__symbol",)
    search_help_text = "Part of the symbol"
