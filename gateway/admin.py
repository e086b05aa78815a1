"""Gateways, accounts and users in the console. Sealed secrets are not shown, not even sealed."""

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse
from rest_framework.authtoken.models import TokenProxy

from gateway.console import ReadOnlyAdmin
from gateway.editing import Audited
from gateway.models import Account, Gateway

admin.site.unregister(TokenProxy)  # it shows the keys in clear
admin.site.unregister([User, Group])


@admin.register(User)
class PeopleAdmin(Audited, UserAdmin[User]):
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        with atomic():
            self.remember(request, unquote(id))
            return super().user_change_password(request, id, form_url)


@admin.register(Group)
class RoleAdmin(Audited, GroupAdmin):
    pass


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
