"""Console pages of the catalogue, investments, SIPs and rebalance notices."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from brokers.market.quotes import quotes
from gateway.console.badges import badge_of
from gateway.console.charts import line
from gateway.console.read_only_admin import ReadOnlyAdmin, ReadOnlyInline
from gateway.console.row_actions import Operable, Operation
from gateway.partners import clock
from smallcases.api.manager_access import visible_to
from smallcases.models import (
    Constituent,
    IndexValue,
    Investment,
    InvestmentFill,
    Performance,
    RebalanceDraft,
    RebalanceNotice,
    Sip,
    Smallcase,
    Version,
)
from smallcases.portfolio.investments import fills_of
from smallcases.portfolio.ledger import positions
from smallcases.portfolio.valuation_history import valuation_history
from smallcases.rebalancing.studio import decisions, editor, views

YEAR: Final = 250  # trading days
TOO_SHORT: Final = "The chart appears after the second day."


class VersionInline(ReadOnlyInline):
    model = Version
    ordering = ("-number",)
    fields = ("number", "label", "published_at", "published_by")
    show_change_link = True


class PerformanceInline(ReadOnlyInline):
    model = Performance


class ConstituentInline(ReadOnlyInline):
    model = Constituent
    fields = ("instrument", "weight")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Constituent]:
        return super().get_queryset(request).select_related("instrument")


class AnnouncementInline(ReadOnlyInline):
    model = RebalanceNotice
    fields = ("gateway", "notified", "due_at")


class FillInline(ReadOnlyInline):
    model = InvestmentFill
    fields = ("at", "side", "ticker", "shares", "price", "order_ref")
    ordering = ("-pk",)


class OwnAlone(ReadOnlyAdmin):
    """A manager sees only rows of the smallcases that they manage."""

    to_smallcase = "smallcase"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible_to(request.user, super().get_queryset(request), path=self.to_smallcase)


@admin.register(Smallcase)
class SmallcaseAdmin(OwnAlone):
    to_smallcase = ""
    readonly_fields = ("chart",)

    @admin.display(description="index")
    def chart(self, smallcase: Smallcase) -> str:
        values = list(smallcase.index.order_by("-day").values_list("day", "value")[:YEAR])[::-1]
        labels = [f"{day}" for day, _ in values]
        return line(f"Index of {smallcase}", labels, [float(value) for _, value in values]) or TOO_SHORT

    list_display = ("scid", "name", "kind", "risk", "schedule", "manager", "launched_on", "is_archived")
    list_select_related = ("manager",)
    list_filter = ("kind", "risk", "schedule", "is_archived")
    search_fields = ("=scid", "name")
    search_help_text = "scid or part of the name"
    ordering = ("scid",)
    inlines = (PerformanceInline, VersionInline)
    change_list_template = "studio/smallcases.html"

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("studio/", guarded(views.smallcases), name="studio"),
            path("studio/<int:pk>/", guarded(views.smallcase), name="studio_smallcase"),
            path("studio/<int:pk>/open/", guarded(views.open_draft), name="studio_open"),
            path("studio/drafts/<int:pk>/", guarded(editor.draft), name="studio_draft"),
            path("studio/drafts/<int:pk>/file/", guarded(editor.file), name="studio_file"),
            path("studio/drafts/<int:pk>/preview/", guarded(decisions.preview), name="studio_preview"),
            path("studio/drafts/<int:pk>/decide/", guarded(decisions.decide), name="studio_decide"),
            *super().get_urls(),
        ]


@admin.register(Version)
class VersionAdmin(OwnAlone):
    list_display = ("smallcase", "number", "label", "published_at", "published_by")
    list_select_related = ("smallcase", "published_by")
    search_fields = ("=smallcase__scid", "label")
    search_help_text = "scid or part of the label"
    inlines = (ConstituentInline, AnnouncementInline)


@admin.register(RebalanceDraft)
class RebalanceDraftAdmin(OwnAlone):
    """Drafts are read-only here; managers edit them in the studio."""

    list_display = (
        *("smallcase", badge_of("state"), "on_top_of", "label", "edited_by", "edited_at", "proposed_by"),
        "approved_by",
    )
    list_select_related = ("smallcase", "edited_by", "proposed_by", "approved_by")
    list_filter = ("state",)
    search_fields = ("=smallcase__scid", "label")
    search_help_text = "scid or part of the label"
    change_list_template = "studio/smallcases.html"


@admin.register(IndexValue)
class IndexValueAdmin(OwnAlone):
    list_display = ("smallcase", "day", "value")
    list_select_related = ("smallcase",)
    search_fields = ("=smallcase__scid",)
    search_help_text = "scid"
    ordering = ("-day",)


@admin.register(Investment)
class InvestmentAdmin(Operable, OwnAlone):
    list_display = ("iscid", "smallcase", "gateway", "account", "version", "is_customised", "created_at", "exited_at")
    list_select_related = ("smallcase", "gateway", "account", "version__smallcase")
    list_filter = ("gateway", "is_customised")
    search_fields = ("=iscid", "=account__auth_id", "=smallcase__scid")
    search_help_text = "iscid, smallcaseAuthId or scid"
    inlines = (FillInline,)
    readonly_fields = ("holds", "worth")

    def operations(self, row: Investment) -> list[Operation]:
        return [("smallcases.view_investment", reverse("admin:desk_statement", args=[row.iscid]), "Statement")]

    @admin.display(description="holds")
    def holds(self, investment: Investment) -> SafeString:
        """A table of constituents at the gateway's current prices."""
        fills = fills_of(investment)
        now = clock.now(investment.gateway)
        market = quotes(investment.gateway_id, {fill.ticker for fill in fills})
        prices = {ticker: f"{quote.at(now):,.2f}" for ticker, quote in market.items()}
        rows = (
            (ticker, held.shares, f"{held.average_price:,.2f}", prices.get(ticker, "?"))
            for ticker, held in sorted(positions(fills).items())
            if held.shares
        )
        cell = '<td class="number">{}</td>'
        return format_html(
            '<table><thead><tr><th>Ticker</th><th class="number">Shares</th><th class="number">Average, ₹</th>'
            '<th class="number">Now, ₹</th></tr></thead><tbody>{}</tbody></table>',
            format_html_join("", f"<tr><td>{{}}</td>{cell * 3}</tr>", rows),
        )

    @admin.display(description="value and returns, ₹")
    def worth(self, investment: Investment) -> str:
        fills = fills_of(investment)
        market = quotes(investment.gateway_id, {fill.ticker for fill in fills})
        since = min((fill.at for fill in fills), default=investment.created_at)
        days = valuation_history(fills, market, since=since, now=clock.now(investment.gateway))
        labels = [f"{day.at:%Y-%m-%d}" for day in days]
        networth = line("Value, in rupees", labels, [float(day.networth) for day in days])
        gained = line("Total returns, in rupees", labels, [float(day.total_returns) for day in days])
        return format_html("<div>{}</div><div>{}</div>", networth, gained) if networth else TOO_SHORT


@admin.register(InvestmentFill)
class InvestmentFillAdmin(OwnAlone):
    to_smallcase = "investment__smallcase"
    list_display = ("investment", "side", "ticker", "shares", "price", "at")
    list_select_related = ("investment",)
    search_fields = ("=investment__iscid", "=order_ref")
    search_help_text = "iscid or order ref"


@admin.register(Sip)
class SipAdmin(OwnAlone):
    to_smallcase = "investment__smallcase"
    list_display = ("investment", "amount", "frequency", "scheduled_date", "periods_done", "is_active", "due_at")
    list_select_related = ("investment",)
    list_filter = ("frequency", "is_active", "gateway")
    search_fields = ("=investment__iscid",)
    search_help_text = "iscid"


@admin.register(RebalanceNotice)
class RebalanceNoticeAdmin(OwnAlone):
    to_smallcase = "version__smallcase"
    list_display = ("version", "gateway", "notified", "is_done", "due_at", "attempts")
    list_select_related = ("version__smallcase", "gateway")
    list_filter = ("gateway",)
    search_fields = ("=version__smallcase__scid",)
    search_help_text = "scid"

    @admin.display(boolean=True, description="finished")
    def is_done(self, notice: RebalanceNotice) -> bool:
        return notice.due_at is None
