"""Filters of the console's lists. Each uses an index, and none lists the table's values."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from brokers.ports.registry import BROKERS
from gateway.monitoring.invariant_checks import STUCK_AFTER
from gateway.partners import clock

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


class BrokerFilter(admin.SimpleListFilter):
    """`path` is the lookup from a row to its account."""

    title = parameter_name = "broker"
    path = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, broker.name) for key, broker in sorted(BROKERS.items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.path}__broker": self.value()}) if self.value() else queryset


class OrderBrokerFilter(BrokerFilter):
    path = "batch__account"


class AgeFilter(admin.SimpleListFilter):
    title = "placed"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("hour", "Last hour"), ("day", "Last day, without last hour"), ("older", "Older")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = clock.wall()
        wanted: dict[str, dict[str, Any]] = {
            "hour": {"ordered_at__gt": now - HOUR},
            "day": {"ordered_at__gt": now - DAY, "ordered_at__lte": now - HOUR},
            "older": {"ordered_at__lte": now - DAY},
        }
        return queryset.filter(**wanted.get(self.value() or "", {}))


class StuckFilter(admin.SimpleListFilter):
    title = "stuck"
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "For 15 minutes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        long_ago = clock.wall() - STUCK_AFTER
        return queryset.filter(due_at__lt=long_ago, leased_until__lt=long_ago) if self.value() == "yes" else queryset
