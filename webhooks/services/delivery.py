"""A delivery: lease, send, settle behind the fence. For one batch in order; n+1 waits until n is settled."""

import json
import random
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.transaction import atomic

from gateway import clock, work
from gateway.auth import api_secrets
from gateway.jobs import Job, ring
from gateway.vault import unseal
from gateway.wire import timestamp
from webhooks import client
from webhooks.models import Attempt, Delivery, DeliveryStatus
from webhooks.retry import Plan, wait_after
from webhooks.signing import checksum, standard_headers

# Longer than the client's ten seconds, so that a lease that lapsed means a worker that died.
LEASE: Final = timedelta(seconds=30)


def deliver(*, row: int, attempt: int) -> None:
    """Running twice sends once: the bell is worth one claim."""
    if not work.claim(next_in_line(), row=row, attempt=attempt, lease=LEASE):
        return
    delivery = Delivery.objects.select_related("event", "endpoint", "gateway").get(pk=row)
    now = clock.now(delivery.gateway)
    answer = client.post(delivery.endpoint.url, *_signed(delivery, now))
    with atomic(durable=True):
        _settle(delivery, answer, now)


def next_in_line() -> QuerySet[Delivery]:
    """Owed to enabled endpoints, their predecessors for the same subject and endpoint settled."""
    before = Delivery.objects.filter(
        status=DeliveryStatus.DUE,
        endpoint=OuterRef("endpoint"),
        event__gateway=OuterRef("gateway"),
        event__subject=OuterRef("event__subject"),
        event__sequence__lt=OuterRef("event__sequence"),
    )
    return Delivery.objects.filter(~Exists(before), status=DeliveryStatus.DUE, endpoint__is_enabled=True)


def _signed(delivery: Delivery, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers of this attempt: the recorded payload with a fresh timestamp, checksum and signatures."""
    event, endpoint = delivery.event, delivery.endpoint
    stamp = timestamp(now)
    auth_id = event.payload.get("smallcaseAuthId") or ""
    checked = checksum(api_secret=api_secrets(delivery.gateway)[0], timestamp=stamp, auth_id=auth_id)
    body = json.dumps({**event.payload, "timestamp": stamp, "checksum": checked}).encode()
    sealed = [endpoint.sealed_secret, endpoint.sealed_previous_secret]
    signatures = standard_headers(
        webhook_id=event.key,
        sent_at=clock.wall(),
        body=body,
        signing_secrets=[unseal(secret) for secret in sealed if secret],
    )
    return body, {**signatures, "x-gateway-event": event.type, "x-gateway-sequence": str(event.sequence)}


def _settle(delivery: Delivery, answer: client.Answer, now: datetime) -> None:
    """What came of the attempt, unless another worker has the row by now; the attempt is kept all the same."""
    if work.mine(Delivery.objects.all(), delivery).update(**_outcome(delivery, answer, now)):
        _ring_successor(delivery)
    Attempt.objects.create(
        delivery=delivery,
        at=now,
        duration_ms=answer.duration_ms,
        status_code=answer.status,
        error=answer.error,
        response=answer.excerpt,
    )


def _outcome(delivery: Delivery, answer: client.Answer, now: datetime) -> dict[str, object]:
    free = {"leased_until": clock.wall()}
    if answer.accepted:
        return free | {"status": DeliveryStatus.DELIVERED.value, "due_at": None, "settled_at": now}
    failures = delivery.failures + 1
    wait = wait_after(Plan(delivery.endpoint.plan), failures=failures, spread=random.uniform(-1, 1))
    if wait is None:
        given_up = {"status": DeliveryStatus.GIVEN_UP.value, "due_at": None, "settled_at": now}
        return free | given_up | {"failures": failures}
    return free | {"failures": failures, "due_at": now + wait}


def _ring_successor(delivery: Delivery) -> None:
    waiting = next_in_line().filter(
        endpoint=delivery.endpoint,
        event__subject=delivery.event.subject,
        event__sequence__gt=delivery.event.sequence,
        due_at__isnull=False,
    )
    for pk, attempts in waiting.order_by(F("event__sequence")).values_list("pk", "attempts")[:1]:
        ring(Job.DELIVER, row=pk, attempt=attempts)
