"""The market in the console: the catalogue is read, the calendar's exceptions are edited."""

from django.contrib import admin

from brokers.models import Instrument, MarketDay, PricePin
from gateway.console import ReadOnlyAdmin
from gateway.editing import Audited


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = ("symbol", "name", "kind", "sector", "tick_size", "reference_price", "tradable")
    list_filter = ("kind", "tradable", "sector")
    search_fields = ("symbol", "name", "=isin")
    ordering = ("symbol",)


@admin.register(MarketDay)
class MarketDayAdmin(Audited, admin.ModelAdmin[MarketDay]):
    """An extra holiday, or a special session such as Muhurat trading; the published calendar needs no entry."""

    list_display = ("day", "opens", "closes", "note")
    date_hierarchy = "day"


@admin.register(PricePin)
class PricePinAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "gateway", "price", "pinned_at")
    list_select_related = ("instrument", "gateway")
    search_fields = ("instrument__symbol",)
