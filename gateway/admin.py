"""Gateways and accounts in the console. Sealed secrets are not shown, not even sealed."""

from django.contrib import admin
from rest_framework.authtoken.models import TokenProxy

from gateway.console import ReadOnlyAdmin
from gateway.models import Account, Gateway

admin.site.unregister(TokenProxy)  # it shows the keys in clear


@admin.register(Gateway)
class GatewayAdmin(ReadOnlyAdmin):
    list_display = ("name", "is_test", "market_hours", "clock_offset", "created_at")
    list_filter = ("is_test",)
    search_fields = ("name",)
    fields = ("name", "is_test", "market_hours", "clock_offset", "allowed_origins", "created_at")


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("auth_id", "gateway", "broker", "client_id", "created_at")
    list_select_related = ("gateway",)
    list_filter = ("broker",)
    search_fields = ("=auth_id", "=client_id")
