"""From event to delivery with a thousand endpoints: fifty of them hung, compared with none."""

import random
import time
from collections.abc import Iterator
from itertools import count
from statistics import median
from typing import Final

from django.db.transaction import atomic
from django.utils import timezone
from rich.progress import track

from benchmarks.figures import Row, Side, at_most, percentile, ratios
from benchmarks.receiving import Receiver, receiving
from benchmarks.stage import Stage
from gateway.database.encryption import encrypt
from gateway.models import Gateway
from tests.processes.waiting import until
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events
from webhooks.models import Delivery, Endpoint
from webhooks.signing.sign import new_secret

ENDPOINTS: Final = 1_000
RATE: Final = 100  # events a second, over all endpoints
SETTLES_WITHIN: Final = 30.0
PAYLOAD: Final = {"smallcaseAuthId": "5d8dc01c1446386d96c4832f", "orders": [{"tradingsymbol": "INFY"}] * 10}
_numbers = count(1)


def measure(stage: Stage) -> Iterator[Row]:
    """Rounds are interleaved, so that other load on the machine affects both."""
    endpoints = stage.knobs.many(ENDPOINTS, least=100)
    hung, seconds = endpoints // 20, 2 * stage.knobs.seconds
    with receiving(stage) as receiver:
        stage.dispatchers(1)
        gateways = _gateways(endpoints)
        _play(gateways, _direct(gateways, receiver, hung=0), receiver, seconds=3)  # opens connections, makes plans
        healthy: list[list[float]] = []
        beside_hung: list[list[float]] = []
        for _ in track(range(stage.knobs.rounds), description="  rounds", console=stage.console):
            for number, rounds in ((0, healthy), (hung, beside_hung)):
                answering = _direct(gateways, receiver, hung=number)
                rounds.append(_play(gateways, answering, receiver, seconds=seconds))
    yield _row(endpoints, hung, healthy, beside_hung)


def _row(endpoints: int, hung: int, healthy: list[list[float]], beside_hung: list[list[float]]) -> Row:
    mine, other = (
        [1000 * percentile(one, 0.99) for one in beside_hung],
        [1000 * percentile(one, 0.99) for one in healthy],
    )
    middle = [median(1000 * took for one in rounds for took in one) for rounds in (beside_hung, healthy)]
    return Row(
        path=f"{endpoints:,} endpoints, {hung} hung",
        against="the same without hung endpoints, p99 of the healthy",
        unit="×",
        figures=ratios(mine, other),
        target=at_most(1.3),
        sides=(Side("with", "ms", tuple(mine)), Side("without", "ms", tuple(other))),
        note=f"p50 {middle[0]:.1f} ms with, {middle[1]:.1f} ms without, {RATE} events/s, one dispatcher",
    )


def _gateways(number: int) -> list[Gateway]:
    """Each with an endpoint on its own address."""
    now, encrypted = timezone.now(), encrypt(new_secret())
    made = Gateway.objects.bulk_create(
        Gateway(name=f"bench-{n}", encrypted_api_secret=encrypted, encrypted_jwt_secret=encrypted, created_at=now)
        for n in range(number)
    )
    Endpoint.objects.bulk_create(
        Endpoint(gateway=gateway, url=f"http://127.0.0.1/{n}", encrypted_secret=encrypted, created_at=now)
        for n, gateway in enumerate(made)
    )
    return made


def _direct(gateways: list[Gateway], receiver: Receiver, *, hung: int) -> set[int]:
    """Sets the endpoints' URLs for the next round, resets their failures, and waits until no delivery is pending.

    Returns the gateways whose endpoint answers.
    """
    until(lambda: not _is_owed(), seconds=SETTLES_WITHIN, what="the end of the last round")
    endpoints = list(Endpoint.objects.order_by("pk"))
    hanging = {n for n in range(len(endpoints)) if n * hung % len(endpoints) < hung}
    for n, endpoint in enumerate(endpoints):
        port = receiver.hanging if n in hanging else receiver.answering
        endpoint.url = f"http://127.1.{n // 250}.{n % 250 + 1}:{port}/hooks"
        endpoint.failures, endpoint.failing_since = 0, None
        endpoint.is_enabled, endpoint.disabled_at, endpoint.disabled_reason = True, None, ""
    columns = ["url", "failures", "failing_since", "is_enabled", "disabled_at", "disabled_reason"]
    Endpoint.objects.bulk_update(endpoints, columns, batch_size=500)
    return {endpoint.gateway_id for n, endpoint in enumerate(endpoints) if n not in hanging}


def _is_owed() -> bool:
    """Whether any delivery is in flight. Gives up the others: their endpoint hung and would hang again."""
    waiting = Delivery.objects.filter(status="DUE", leased_until__lte=timezone.now())
    waiting.update(status="GIVEN_UP", due_at=None)
    return Delivery.objects.filter(status="DUE").exists()


def _play(gateways: list[Gateway], answering: set[int], receiver: Receiver, *, seconds: float) -> list[float]:
    """Records events at the rate; returns the delays until they arrived at an answering endpoint, in seconds."""
    receiver.heard()
    began, order, expected = time.monotonic(), random.sample(gateways, len(gateways)), 0
    for number in range(int(RATE * seconds)):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))  # a steady rate
        gateway = order[number % len(order)]
        _record(gateway)
        expected += gateway.pk in answering
    return receiver.wait_for(expected, seconds=SETTLES_WITHIN).took


def _record(gateway: Gateway) -> None:
    with atomic():
        record_events(
            EventDraft(
                gateway=gateway,
                kind=EventType.ORDER_PLACED,
                subject=f"bench-{next(_numbers)}",
                sequence=1,
                payload={**PAYLOAD, "recordedAt": time.time()},
                now=timezone.now(),
            )
        )
