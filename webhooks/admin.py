"""Webhooks in the console: what is owed to whom, and what each attempt met."""

from django.contrib import admin

from gateway.console import ReadOnlyAdmin, ReadOnlyInline
from webhooks.models import Attempt, Delivery, Endpoint, Event


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    list_display = ("url", "gateway", "plan", "is_enabled", "created_at")
    list_select_related = ("gateway",)
    list_filter = ("is_enabled", "plan", "gateway")
    search_fields = ("url",)
    fields = ("gateway", "url", "types", "plan", "is_enabled", "created_at")


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("type", "subject", "sequence", "gateway", "created_at")
    list_select_related = ("gateway",)
    list_filter = ("type", "gateway")
    search_fields = ("=subject", "=key")


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = ("at", "status_code", "error", "duration_ms", "response")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("event", "endpoint", "status", "failures", "due_at", "settled_at")
    list_select_related = ("event", "endpoint")
    list_filter = ("status", "gateway")
    search_fields = ("=event__subject", "=event__key")
    inlines = (AttemptInline,)
