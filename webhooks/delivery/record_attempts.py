"""Records finished attempts in sets: the attempts, the deliveries' outcomes or next tries, and endpoint health."""

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.db.transaction import atomic

from gateway.database.rows import insert_rows, update_rows
from gateway.partners import clock
from gateway.telemetry import logs, metrics, request_id
from webhooks import sql
from webhooks.delivery import endpoints
from webhooks.delivery.client import EndpointResponse
from webhooks.delivery.endpoint_health import reason_to_disable
from webhooks.delivery.retry import Plan, asked_wait, wait_after, wait_as_asked
from webhooks.models import Attempt, Delivery, DeliveryStatus, Endpoint

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinishedAttempt:
    """An attempt that has ended; `at` by the gateway's clock."""

    delivery: Delivery
    at: datetime
    answer: EndpointResponse


def settle(finished: Sequence[FinishedAttempt]) -> None:
    """Records all attempts or none. A delivery that another process has leased by now is left alone.

    A delivery that was deleted or reset during its attempt drops that attempt, and no other.
    """
    if not finished:
        return
    with atomic(durable=True):
        claims = sql.fencing_tokens([one.delivery.pk for one in finished])
        finished = [one for one in finished if one.delivery.pk in claims]
        mine = [one for one in finished if claims[one.delivery.pk] == one.delivery.attempts]
        _mark_delivered([one.delivery for one in mine if one.answer.accepted])
        _retry_later([one for one in mine if not one.answer.accepted])
        insert_rows([_attempt(one) for one in finished])
        _update_endpoint_health(finished)
    for one in finished:
        _log(one)


def give_up_disabled() -> int:
    """Gives up the deliveries due to disabled endpoints. Running it twice gives up nothing more."""
    disabled = Endpoint.objects.filter(is_enabled=False)
    owed = Delivery.objects.filter(due_at__isnull=False, endpoint__in=list(disabled.values_list("pk", flat=True)))
    since = Subquery(disabled.filter(pk=OuterRef("endpoint")).values("disabled_at"))
    return owed.update(
        status=DeliveryStatus.GIVEN_UP.value,
        due_at=None,
        finished_at=Coalesce(since, clock.wall()),
        attempts=F("attempts") + 1,
    )


def _log(finished: FinishedAttempt) -> None:
    """Logs the attempt with the id of the request that caused the event, and counts it."""
    delivery, answer = finished.delivery, finished.answer
    outcome = _outcome(finished)
    lag = None if outcome == "failed" else (finished.at - delivery.event.created_at).total_seconds()
    metrics.delivered(
        endpoint_id=delivery.endpoint_id, outcome=outcome, seconds=answer.duration_ms / 1000, lag_seconds=lag
    )
    fields = {"outcome": outcome, "status": answer.status, "durationMs": answer.duration_ms}
    with request_id.bound(delivery.event.request_id), logs.about(gateway=delivery.gateway.name):
        what = f"{delivery.event.key} to endpoint {delivery.endpoint_id}"
        log.info("%s %s: %s", what, outcome, answer.status or answer.error, extra=fields)


def _outcome(finished: FinishedAttempt) -> metrics.DeliveryOutcome:
    if finished.answer.accepted:
        return "delivered"
    return "given_up" if finished.delivery.status == DeliveryStatus.GIVEN_UP else "failed"


def _mark_delivered(deliveries: Sequence[Delivery]) -> None:
    wall = clock.wall()
    for delivery in deliveries:
        delivery.status, delivery.due_at = DeliveryStatus.DELIVERED.value, None
        delivery.finished_at, delivery.leased_until = wall + delivery.gateway.clock_offset, wall
    update_rows(deliveries, ("status", "due_at", "finished_at", "leased_until"))


def _retry_later(failed: Sequence[FinishedAttempt]) -> None:
    """Postpones each delivery to its plan's next step, or gives it up after the last."""
    wall = clock.wall()
    for one in failed:
        delivery = one.delivery
        delivery.failures += 1
        delivery.leased_until = wall
        delivery.due_at = _next_attempt(one)
        if delivery.due_at is None:
            delivery.status, delivery.finished_at = DeliveryStatus.GIVEN_UP.value, one.at
    columns = ("failures", "leased_until", "due_at", "status", "finished_at")
    update_rows([one.delivery for one in failed], columns)


def _next_attempt(failed: FinishedAttempt) -> datetime | None:
    plan, failures = Plan(failed.delivery.endpoint.plan), failed.delivery.failures
    wait = wait_after(plan, failures=failures, spread=random.uniform(-1, 1))
    if wait is None:
        return None
    if failed.answer.status in {429, 503}:
        asked = asked_wait(failed.answer.retry_after, now=clock.wall())
        wait = wait_as_asked(plan, failures=failures, wait=wait, asked=asked)
    return failed.at + wait


def _attempt(finished: FinishedAttempt) -> Attempt:
    answer = finished.answer
    return Attempt(
        delivery=finished.delivery,
        at=finished.at,
        duration_ms=answer.duration_ms,
        status_code=answer.status,
        error=answer.error,
        response=answer.excerpt,
    )


def _update_endpoint_health(finished: Sequence[FinishedAttempt]) -> None:
    """Locks endpoints in the order of their keys, so that two processes cannot block each other."""
    answered = {one.delivery.endpoint_id for one in finished if one.answer.accepted}
    failing = {one.delivery.endpoint_id for one in finished if one.delivery.endpoint.failures}
    failed = _last_failures(finished)
    for endpoint in sorted((answered & failing) | set(failed)):
        if endpoint in answered:
            Endpoint.objects.filter(pk=endpoint, failures__gt=0).update(failures=0, failing_since=None)
        if endpoint in failed:
            _count_failures(endpoint, failed[endpoint])


def _last_failures(finished: Sequence[FinishedAttempt]) -> Mapping[int, list[FinishedAttempt]]:
    """Each endpoint's failures since its last success."""
    failed: dict[int, list[FinishedAttempt]] = {}
    for one in finished:
        if one.answer.accepted:
            failed.pop(one.delivery.endpoint_id, None)
        else:
            failed.setdefault(one.delivery.endpoint_id, []).append(one)
    return failed


def _count_failures(endpoint: int, failed: Sequence[FinishedAttempt]) -> None:
    rows: Any = Endpoint.objects.filter(pk=endpoint, is_enabled=True)
    rows.update(failures=F("failures") + len(failed), failing_since=Coalesce("failing_since", failed[0].at))
    for row in rows:
        reason = reason_to_disable(
            status=failed[-1].answer.status, failures=row.failures, failing_since=row.failing_since, now=failed[-1].at
        )
        if reason and endpoints.disable(row, because=reason, now=failed[-1].at):
            log.warning("Endpoint %s of %s is disabled. %s", row.pk, failed[-1].delivery.gateway, reason)
