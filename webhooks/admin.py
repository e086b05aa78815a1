"""The console's pages about webhooks: pending deliveries, attempts, failing endpoints, and the actions on them."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gateway.console.badges import badge, badge_of
from gateway.console.read_only_admin import ReadOnlyAdmin, ReadOnlyInline, actor_of
from gateway.console.row_actions import Operable, Operation
from gateway.console.secret_rotation import Rotating
from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import GatewayError
from webhooks.delivery import endpoint_pages
from webhooks.delivery.attempt_view import body_of, headers_of
from webhooks.delivery.endpoints import disable, retire_secret, rotate_secret
from webhooks.events.replay import recover, send_again
from webhooks.models import Attempt, Delivery, DeliveryStatus, Endpoint, Event, Replay

BY_HAND: Final = "By an operator."


class Health(admin.SimpleListFilter):
    """Failing and disabled endpoints: the first filter that a person on call needs."""

    title = "health"
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failing", "Failing"), ("disabled", "Disabled"), ("well", "Healthy")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        wanted: dict[str, dict[str, Any]] = {
            "failing": {"is_enabled": True, "failures__gt": 0},
            "disabled": {"is_enabled": False},
            "well": {"is_enabled": True, "failures": 0},
        }
        return queryset.filter(**wanted.get(self.value() or "", {}))


class Answered(admin.SimpleListFilter):
    """By class of status code: listing the codes that occur would read every attempt."""

    title = "answer"
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "None"), *((str(kind), f"{kind}xx") for kind in range(2, 6))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        wanted = self.value() or ""
        if wanted == "none":
            return queryset.filter(status_code__isnull=True)
        first = 100 * int(wanted) if wanted in {"2", "3", "4", "5"} else 0
        return queryset.filter(status_code__gte=first, status_code__lt=first + 100) if first else queryset


class OwedFilter(admin.SimpleListFilter):
    """By status. Due deliveries are filtered by time as well, so that PostgreSQL uses the dispatcher's index."""

    title = "status"
    parameter_name = "status__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, str(status.label)) for status in DeliveryStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> QuerySet[Delivery]:
        wanted = self.value()
        if wanted == DeliveryStatus.DUE:
            return queryset.filter(status=wanted, due_at__isnull=False)
        return queryset.filter(status=wanted) if wanted else queryset


@admin.register(Endpoint)
class EndpointAdmin(Operable, Rotating):
    list_display = ("url", "health", "failures", "failing_since", "disabled_at", "disabled_reason", "gateway")
    list_select_related = ("gateway",)
    list_filter = (Health, "plan", "gateway")
    search_fields = ("url", "=public_id")
    search_help_text = "Part of the URL, or the endpoint's id"
    fields = (
        "gateway",
        "public_id",
        "url",
        "types",
        "plan",
        "is_enabled",
        "failures",
        "failing_since",
        "disabled_at",
        "disabled_reason",
        "created_at",
    )
    actions = ("enable_and_recover", "disable", "rotate_signing_secret", "retire_signing_secret")

    @admin.display(description="health")
    def health(self, endpoint: Endpoint) -> SafeString:
        return badge("failing" if endpoint.failures else "healthy") if endpoint.is_enabled else badge("disabled")

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("new/<int:pk>/", guarded(endpoint_pages.new), name="endpoint_new"),
            path("<int:pk>/url/", guarded(endpoint_pages.arrange_url), name="endpoint_url"),
            path("<int:pk>/subscription/", guarded(endpoint_pages.arrange_subscription), name="endpoint_subscription"),
            *super().get_urls(),
        ]

    def operations(self, row: Any) -> list[Operation]:
        return [
            (endpoint_pages.MOVES, reverse("admin:endpoint_url", args=[row.pk]), "Move"),
            (endpoint_pages.SUBSCRIBES, reverse("admin:endpoint_subscription", args=[row.pk]), "Subscription"),
        ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("webhooks.change_endpoint")

    @admin.action(description="Enable and replay missed events", permissions=["operate"])
    def enable_and_recover(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        def act(endpoint: Endpoint) -> bool:
            recover(endpoint=endpoint, now=clock.now(endpoint.gateway), by=actor_of(request))
            return True

        self._each(request, queryset, act, "Enabled; missed events are being replayed.")

    @admin.action(description="Disable", permissions=["operate"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        def act(endpoint: Endpoint) -> bool:
            return disable(endpoint, because=BY_HAND, now=clock.now(endpoint.gateway), by=actor_of(request))

        self._each(request, queryset, act, "Disabled.")

    @admin.action(description="Rotate signing secret", permissions=["rotate"])
    def rotate_signing_secret(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> HttpResponse | None:
        by = actor_of(request)
        return self.show_new(request, queryset, "signing secret", lambda one: rotate_secret(one, by=by))

    @admin.action(description="Retire previous signing secret", permissions=["rotate"])
    def retire_signing_secret(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        for endpoint in queryset:
            retire_secret(endpoint, by=actor_of(request))
            self.message_user(request, f"Endpoint {endpoint}: only the newest secret signs now.")

    def _each(
        self, request: HttpRequest, endpoints: QuerySet[Endpoint], act: Callable[[Endpoint], bool], message: str
    ) -> None:
        """An endpoint that refuses the action does not stop the others."""
        done = 0
        for endpoint in endpoints.select_related("gateway"):
            try:
                acted = act(endpoint)
            except GatewayError as refusal:
                self.message_user(request, f"Endpoint {endpoint}: {refusal}", messages.WARNING)
                continue
            if acted:
                self.log_change(request, endpoint, message)
                done += 1
        self.message_user(request, f"{_counted(done, 'endpoint')}. {message}")


class Resending(ReadOnlyAdmin):
    """Rows whose deliveries can be sent again."""

    actions = ("send_again",)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("webhooks.change_delivery")

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        try:
            sent = send_again(deliveries=self.deliveries_of(queryset), by=actor_of(request))
        except GatewayError as refusal:
            self.message_user(request, str(refusal), messages.WARNING)
            return
        LogEntry.objects.log_actions(request.user.pk or 0, queryset, CHANGE, "Sent again.")
        self.message_user(request, f"{_counted(sent, 'delivery', 'deliveries')} put back in the queue.")

    def deliveries_of(self, chosen: QuerySet[Any]) -> QuerySet[Delivery]:
        raise NotImplementedError


class DeliveryInline(ReadOnlyInline):
    model = Delivery
    fields = ("endpoint", "status", "tried", "failures", "due_at", "finished_at")
    readonly_fields = ("tried",)
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        deliveries: QuerySet[Delivery] = super().get_queryset(request)
        return deliveries.select_related("event", "endpoint").annotate(tried=Count("tries"))

    @admin.display(description="attempts")
    def tried(self, delivery: Delivery) -> int:
        return int(vars(delivery)["tried"])


@admin.register(Event)
class EventAdmin(Resending):
    list_display = ("type", "subject", "sequence", "transaction_id", "gateway", "created_at", "key")
    list_select_related = ("gateway",)
    list_filter = ("type", "gateway")
    search_fields = ("=subject", "=key", "=transaction_id", "=auth_id", "=request_id")
    asked_with = {"subject": {"gateway__in": Gateway.objects.all()}}
    search_help_text = "batchId or other subject, webhook-id, transactionId, smallcaseAuthId or Request-Id"
    first = ("type", "subject", "sequence", "gateway", "key", "transaction_id", "auth_id", "created_at")
    inlines = (DeliveryInline,)

    def deliveries_of(self, chosen: QuerySet[Event]) -> QuerySet[Delivery]:
        return Delivery.objects.filter(event__in=chosen)


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = ("at", "status_code", "error", "duration_ms", "response")


@admin.register(Delivery)
class DeliveryAdmin(Resending):
    list_display = ("event", badge_of("status"), "failures", "endpoint", "due_at", "finished_at")
    list_select_related = ("event", "endpoint")
    list_filter = (OwedFilter, "is_bulk", "gateway")
    search_fields = ("=event__subject", "=event__key", "=event__transaction_id")
    asked_with = {"event__subject": {"event__gateway__in": Gateway.objects.all()}}
    search_help_text = "batchId or other subject, webhook-id or transactionId"
    first = ("status", "event", "endpoint", "failures", "finished_at")
    inlines = (AttemptInline,)

    def deliveries_of(self, chosen: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return chosen


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ("at", "status_code", "error", "duration_ms", "delivery")
    list_select_related = ("delivery__event",)
    list_filter = (Answered,)
    search_fields = ("=delivery__event__key", "=delivery__event__subject")
    asked_with = {"delivery__event__subject": {"delivery__event__gateway__in": Gateway.objects.all()}}
    search_help_text = "webhook-id, or batchId or other subject"
    fields = ("delivery", "at", "status_code", "error", "duration_ms", "sent", "response")
    readonly_fields = ("sent",)

    @admin.display(description="request")
    def sent(self, attempt: Attempt) -> SafeString:
        """Shows the endpoint's present URL. Signatures are not stored."""
        lines = "\n".join(f"{name}: {value}" for name, value in headers_of(attempt).items())
        return format_html(
            '<pre class="console-raw">POST {}\n{}\n\n{}</pre>', attempt.delivery.endpoint.url, lines, body_of(attempt)
        )


@admin.register(Replay)
class ReplayAdmin(ReadOnlyAdmin):
    list_display = ("key", "gateway", "endpoint", "since", "until", "only_missed", "replayed", "is_done", "created_at")
    list_select_related = ("gateway", "endpoint")
    list_filter = ("only_missed", "gateway")
    search_fields = ("=key", "=auth_id")
    search_help_text = "The replay's id or a smallcaseAuthId"

    @admin.display(boolean=True, description="completed")
    def is_done(self, replay: Replay) -> bool:
        return replay.due_at is None


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
