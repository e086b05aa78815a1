"""Operators' doors: alive, and ready to take orders."""

from datetime import timedelta
from typing import Final

from celery import current_app
from django.apps import apps
from django.http import HttpRequest, JsonResponse
from kombu.exceptions import OperationalError

from gateway import clock
from gateway.envelope import done, refused
from gateway.errors import ErrorType
from gateway.models import Work

LAG_BORNE: Final = timedelta(seconds=60)


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse(done({"alive": True}))


def readyz(request: HttpRequest) -> JsonResponse:
    """Database, queue and sweep; 503 with a sentence for each that is not as it should be."""
    lag = sweep_lag()
    problems = [] if lag <= LAG_BORNE else [f"Work has been due for {int(lag.total_seconds())} s: is a worker running?"]
    problems += [] if _queue_answers() else ["The queue's broker does not answer."]
    if problems:
        response = refused(503, ErrorType.SERVICE_UNAVAILABLE, *problems)
        response["Retry-After"] = "5"
        return response
    return JsonResponse(done({"ready": True, "sweepLagSeconds": round(lag.total_seconds(), 3)}))


def sweep_lag() -> timedelta:
    """For how long the longest-owed row, of any kind, has been due and nobody's; by the wall's clock."""
    now = clock.wall()
    kinds = [model for model in apps.get_models() if issubclass(model, Work)]
    owed = [kind._default_manager.filter(due_at__lte=now, leased_until__lte=now).order_by("due_at") for kind in kinds]
    since = [max(row.due_at, row.leased_until) for row in (rows.first() for rows in owed) if row and row.due_at]
    return max((now - moment for moment in since), default=timedelta(0))


def _queue_answers() -> bool:
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError):
        return False
    return True
