"""The console's pages about the market: instruments are read-only, exceptions to the calendar can be edited."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from brokers.market.market_days.calendar_tile import upcoming_days
from brokers.market.market_days.import_page import import_days
from brokers.market.quotes import market_quote
from brokers.models import BrokerOutage, Instrument, MarketDay, PriceOverride
from brokers.ports.outages import try_now
from gateway.console.audited_admin import Audited
from gateway.console.charts import line
from gateway.console.read_only_admin import ReadOnlyAdmin, actor_of
from gateway.partners import clock

DAYS: Final = 90


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    list_display = (
        "symbol",
        "name",
        "kind",
        "charge_class",
        "series",
        "sector",
        "tick_size",
        "price_band",
        "reference_price",
        "tradable",
    )
    list_filter = ("kind", "charge_class", "series", "price_band", "tradable", "sector")
    search_fields = ("symbol", "name", "=isin")
    search_help_text = "Part of the symbol or the name, or an ISIN"
    ordering = ("symbol",)
    readonly_fields = ("chart",)

    @admin.display(description="price, ₹")
    def chart(self, instrument: Instrument) -> SafeString:
        """The generated prices, which are the same on all gateways; price overrides are not in it."""
        quote = market_quote(instrument)
        moments = [clock.wall() - timedelta(days=day) for day in range(DAYS, -1, -1)]
        prices = [float(quote.at(moment)) for moment in moments]
        return line(f"Price of {instrument}", [f"{moment:%Y-%m-%d}" for moment in moments], prices)


@admin.register(MarketDay)
class MarketDayAdmin(Audited, admin.ModelAdmin[MarketDay]):
    """Rows that replace the published hours of a day, and the calendar that results."""

    list_display = ("day", "opens", "closes", "note")
    date_hierarchy = "day"
    change_list_template = "console/market_days.html"

    def get_urls(self) -> list[URLPattern]:
        own = path("import/", self.admin_site.admin_view(import_days), name="import_market_days")
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        shown = {"calendar_days": upcoming_days(now=clock.wall()), **(extra_context or {})}
        return super().changelist_view(request, shown)


@admin.register(PriceOverride)
class PricePinAdmin(ReadOnlyAdmin):
    list_display = ("instrument", "gateway", "price", "set_at")
    list_select_related = ("instrument", "gateway")
    search_fields = ("instrument__symbol",)
    search_help_text = "Part of the symbol"


@admin.register(BrokerOutage)
class BrokerOutageAdmin(ReadOnlyAdmin):
    """Outages that last. A row goes when the broker answers."""

    list_display = ("broker", "gateway", "since", "next_try", "wait", "reason")
    list_select_related = ("gateway",)
    list_filter = ("broker", "gateway")
    actions = ("try_now",)

    @admin.display(ordering="probe_at")
    def next_try(self, outage: BrokerOutage) -> datetime:
        return outage.probe_at

    def has_probe_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("brokers.probe_broker")

    @admin.action(description="Try now", permissions=["probe"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[BrokerOutage]) -> None:
        number = try_now(queryset, by=actor_of(request))
        self.message_user(request, f"Links that are tried at once: {number}.")
