"""Endpoints and deliveries on the console's home page."""

from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User

from gateway.console.charts import Bar, bars
from gateway.console.dashboard import by_hour, newest
from webhooks.models import Attempt, Endpoint

SHOWN: Final = 10


def deliveries_tile(user: User, *, now: datetime) -> dict[str, Any]:
    sent = bars("Webhooks delivered per hour", deliveries_by_hour(now=now), second=True)
    return {"failing": failing_endpoints(), "disabled": disabled_endpoints(), "deliveries": sent}


def failing_endpoints() -> list[Endpoint]:
    rows = Endpoint.objects.filter(is_enabled=True, failures__gt=0).select_related("gateway")
    return list(rows.order_by("-failures")[:SHOWN])


def disabled_endpoints() -> list[Endpoint]:
    rows = Endpoint.objects.filter(is_enabled=False).select_related("gateway")
    return list(rows.order_by("-disabled_at")[:SHOWN])


def count_disabled() -> int:
    return Endpoint.objects.filter(is_enabled=False).count()


def deliveries_by_hour(*, now: datetime) -> list[Bar]:
    """Successful attempts per hour."""
    return by_hour(newest(Attempt.objects.filter(status_code__gte=200, status_code__lt=300)), "at", now)
