"""The catalogue, what is invested in it, and how far a rebalance has been told, in the console."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from gateway.console import ReadOnlyAdmin, ReadOnlyInline
from smallcases.managers import visible_to
from smallcases.models import (
    Announcement,
    Constituent,
    IndexValue,
    Investment,
    InvestmentFill,
    Performance,
    Sip,
    Smallcase,
    Version,
)


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
    model = Announcement
    fields = ("gateway", "told", "due_at")


class FillInline(ReadOnlyInline):
    model = InvestmentFill
    fields = ("at", "side", "ticker", "shares", "price", "order_ref")
    ordering = ("-pk",)


class OwnAlone(ReadOnlyAdmin):
    """A manager sees what belongs to the smallcases that are theirs; another's are not there."""

    to_smallcase = "smallcase"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible_to(request.user, super().get_queryset(request), path=self.to_smallcase)


@admin.register(Smallcase)
class SmallcaseAdmin(OwnAlone):
    to_smallcase = ""
    list_display = ("scid", "name", "kind", "risk", "schedule", "manager", "launched_on", "is_archived")
    list_select_related = ("manager",)
    list_filter = ("kind", "risk", "schedule", "is_archived")
    search_fields = ("=scid", "name")
    ordering = ("scid",)
    inlines = (PerformanceInline, VersionInline)


@admin.register(Version)
class VersionAdmin(OwnAlone):
    list_display = ("smallcase", "number", "label", "published_at", "published_by")
    list_select_related = ("smallcase", "published_by")
    search_fields = ("=smallcase__scid", "label")
    inlines = (ConstituentInline, AnnouncementInline)


@admin.register(IndexValue)
class IndexValueAdmin(OwnAlone):
    list_display = ("smallcase", "day", "value")
    list_select_related = ("smallcase",)
    search_fields = ("=smallcase__scid",)
    ordering = ("-day",)


@admin.register(Investment)
class InvestmentAdmin(OwnAlone):
    list_display = ("iscid", "smallcase", "gateway", "account", "version", "deviated", "created_at", "exited_at")
    list_select_related = ("smallcase", "gateway", "account", "version__smallcase")
    list_filter = ("gateway", "deviated")
    search_fields = ("=iscid", "=account__auth_id", "=smallcase__scid")
    inlines = (FillInline,)


@admin.register(InvestmentFill)
class InvestmentFillAdmin(OwnAlone):
    to_smallcase = "investment__smallcase"
    list_display = ("investment", "side", "ticker", "shares", "price", "at")
    list_select_related = ("investment",)
    search_fields = ("=investment__iscid", "=order_ref")


@admin.register(Sip)
class SipAdmin(OwnAlone):
    to_smallcase = "investment__smallcase"
    list_display = ("investment", "amount", "frequency", "scheduled_date", "periods_done", "is_active", "due_at")
    list_select_related = ("investment",)
    list_filter = ("frequency", "is_active", "gateway")
    search_fields = ("=investment__iscid",)


@admin.register(Announcement)
class AnnouncementAdmin(OwnAlone):
    to_smallcase = "version__smallcase"
    list_display = ("version", "gateway", "told", "is_done", "due_at", "attempts")
    list_select_related = ("version__smallcase", "gateway")
    list_filter = ("gateway",)
    search_fields = ("=version__smallcase__scid",)

    @admin.display(boolean=True, description="all told")
    def is_done(self, announcement: Announcement) -> bool:
        return announcement.due_at is None
