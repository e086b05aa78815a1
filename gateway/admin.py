"""The console's pages about gateways, accounts, users and the audit trail. Secrets are not shown, even encrypted."""

from datetime import timedelta
from typing import Any, Final

from axes.utils import reset
from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import QuerySet
from django.db.transaction import atomic
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from rest_framework.authtoken.models import TokenProxy

from gateway.console.audited_admin import Audited
from gateway.console.read_only_admin import ReadOnlyAdmin, actor_of
from gateway.console.row_actions import Operable, Operation, operate, require
from gateway.console.secret_rotation import Rotating
from gateway.console.time_zone import shown
from gateway.identity.totp import take_away
from gateway.models import Account, AuditEntry, Gateway
from gateway.partners import clock
from gateway.partners.allowed_origins import replace_origins
from gateway.partners.credentials import Kind, retire, rotate
from gateway.values.origins import permission_of

# Prefixes of subjects in the audit trail.
KINDS: Final = ("account", "batch", "order", "endpoint", "gateway", "smallcase", "tradebook", "user")

admin.site.unregister(TokenProxy)  # it shows keys in plain text
admin.site.unregister([User, Group])


class Ticked(Audited):
    """Checkboxes for many-to-many fields: the admin's two boxes have no labels for screen readers."""

    filter_horizontal = ()

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        known = db_field.remote_field.model.objects.all()
        if known.model is Permission:
            known = known.select_related("content_type")
        kwargs |= {"queryset": known, "widget": forms.CheckboxSelectMultiple}
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[arg-type]  # as GroupAdmin has it


@admin.register(User)
class PeopleAdmin(Ticked, UserAdmin[User]):
    readonly_fields = ("last_login", "date_joined")
    actions = ("take_second_factor_away", "unlock")

    @admin.action(description="Remove second factor", permissions=["change"])
    def take_second_factor_away(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        taken = sum(take_away(user=user, by=actor_of(request)) for user in queryset)
        self.message_user(request, f"Removed from {taken}; the next login needs only the password.")

    @admin.action(description="Unlock after failed logins", permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            with atomic():
                attempts = reset(username=user.get_username())
                actor_of(request).record("unlock", f"user {user}", before={"attempts": attempts}, after={"attempts": 0})
        self.message_user(request, "Unlocked.")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        with atomic():
            self.remember(request, unquote(id))
            return super().user_change_password(request, id, form_url)


@admin.register(Group)
class RoleAdmin(Ticked, GroupAdmin):
    pass


class OriginsForm(forms.Form):
    origins = forms.CharField(
        label="Allowed origins",
        required=False,
        widget=forms.Textarea({"rows": 8, "cols": 50}),
        help_text="One per line: https://shop.example, https://*.shop.example for every host below it, or an app's "
        "capacitor://localhost or acme://done. Only these pages and apps may open or frame the checkout.",
    )
    seen = forms.JSONField(required=False, widget=forms.HiddenInput)  # empty if there were no origins


@admin.register(Gateway)
class GatewayAdmin(Operable, Rotating):
    list_display = ("name", "is_test", "market_hours", "clock_offset", "created_at")
    list_filter = ("is_test",)
    search_fields = ("=name", "name")
    search_help_text = "Part of the name"
    fields = (
        "name",
        "is_test",
        "market_hours",
        "clock_offset",
        "shows",
        "allowed_origins",
        "permits",
        "secrets",
        "belongings",
        "created_at",
    )
    actions = ("rotate_api_secret", "retire_api_secret", "rotate_jwt_secret", "retire_jwt_secret")

    def get_urls(self) -> list[URLPattern]:
        own = path("<int:pk>/origins/", self.admin_site.admin_view(self.change_origins), name="gateway_origins")
        return [own, *super().get_urls()]

    def operations(self, row: Any) -> list[Operation]:
        clocks = [("gateway.move_clock", reverse("admin:desk_clock", args=[row.pk]), "Clock")] if row.is_test else []
        return [
            ("gateway.change_origins", reverse("admin:gateway_origins", args=[row.pk]), "Origins"),
            ("webhooks.add_endpoint", reverse("admin:endpoint_new", args=[row.pk]), "Add endpoint"),
            *clocks,
        ]

    def change_origins(self, request: HttpRequest, pk: int) -> HttpResponse:
        require(request, "gateway.change_origins")
        gateway = get_object_or_404(Gateway, pk=pk)
        back, now = reverse("admin:gateway_gateway_change", args=[pk]), gateway.allowed_origins
        form = OriginsForm(request.POST or None, initial={"origins": "\n".join(now), "seen": now})

        def act(given: dict[str, Any]) -> str:
            seen, by = given["seen"], actor_of(request)
            wanted = given["origins"].split()
            is_new = replace_origins(gateway, origins=wanted, seen=seen if isinstance(seen, list) else [], by=by)
            return "Origins changed." if is_new else "The origins are unchanged."

        title = f"Allowed origins of {gateway}"
        return operate(request, form, act, title=title, button="Change", back=back, row=gateway)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("shows", "permits", "secrets", "belongings")

    @admin.display(description="may open a checkout")
    def permits(self, gateway: Gateway) -> str:
        return format_html_join("", "<div>{}</div>", ((permission_of(one),) for one in gateway.allowed_origins)) or "—"

    @admin.display(description="clock")
    def shows(self, gateway: Gateway) -> str:
        return shown(clock.now(gateway))

    @admin.display(description="accepted secrets")
    def secrets(self, gateway: Gateway) -> str:
        api, jwt = (1 + bool(encrypted) for encrypted in (_previous(gateway, "api"), _previous(gateway, "jwt")))
        return f"{api} API, {jwt} JWT"

    @admin.display(description="related lists")
    def belongings(self, gateway: Gateway) -> str:
        lists = (
            ("webhooks_endpoint", "Endpoints"),
            ("transactions_transaction", "Transactions"),
            ("transactions_batch", "Batches"),
            ("gateway_account", "Accounts"),
        )
        links = ((reverse(f"admin:{name}_changelist"), gateway.pk, words) for name, words in lists)
        return format_html_join(" · ", '<a href="{}?gateway__id__exact={}">{}</a>', links)

    @admin.action(description="Rotate API secret", permissions=["rotate"])
    def rotate_api_secret(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> HttpResponse | None:
        by = actor_of(request)
        return self.show_new(request, queryset, "API secret", lambda one: rotate(one, kind="api", by=by))

    @admin.action(description="Rotate JWT secret", permissions=["rotate"])
    def rotate_jwt_secret(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> HttpResponse | None:
        by = actor_of(request)
        return self.show_new(request, queryset, "JWT secret", lambda one: rotate(one, kind="jwt", by=by))

    @admin.action(description="Retire previous API secret", permissions=["rotate"])
    def retire_api_secret(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> None:
        self._retire(request, queryset, "api")

    @admin.action(description="Retire previous JWT secret", permissions=["rotate"])
    def retire_jwt_secret(self, request: HttpRequest, queryset: QuerySet[Gateway]) -> None:
        self._retire(request, queryset, "jwt")

    def _retire(self, request: HttpRequest, queryset: QuerySet[Gateway], kind: Kind) -> None:
        for gateway in queryset:
            retire(gateway, kind=kind, by=actor_of(request))
            self.message_user(request, f"Gateway {gateway}: only the newest {kind} secret is accepted now.")


def _previous(gateway: Gateway, kind: Kind) -> str | None:
    """Encrypted; None if it was retired."""
    api: str | None = gateway.encrypted_previous_api_secret
    jwt: str | None = gateway.encrypted_previous_jwt_secret
    return api if kind == "api" else jwt


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ("auth_id", "gateway", "broker", "client_id", "created_at")
    list_select_related = ("gateway",)
    list_filter = ("gateway",)
    search_fields = ("=auth_id", "=client_id")
    search_help_text = "smallcaseAuthId or the broker's client id"


class When(admin.SimpleListFilter):
    title = parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Last day"), ("7", "Last week"), ("31", "Last month")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        days = self.value()
        return (
            queryset.filter(at__gt=clock.wall() - timedelta(days=int(days))) if days in {"1", "7", "31"} else queryset
        )


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Read-only, even for superusers. `manage.py verify_audit` detects tampering."""

    list_display = ("number", "at", "by_name", "act", "subject", "address", "reason")
    list_filter = (When,)
    search_fields = ("=by_name", "=subject", "=act", "=address")
    search_help_text = "A user, an action, an address, or an id"
    fields = ("number", "at", "by_name", "by_id", "address", "act", "subject", "reason", "before", "after", "digest")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """An id is searched as the subject of every kind, which uses one index."""
        found, duplicates = super().get_search_results(request, queryset, search_term)
        if search_term.strip() and not found[:1]:
            return queryset.filter(subject__in=[f"{kind} {search_term.strip()}" for kind in KINDS]), False
        return found, duplicates
