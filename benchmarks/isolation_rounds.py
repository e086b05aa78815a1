"""The rounds of `benchmarks.isolation`: a steady stream of events to all endpoints, one after the other."""

import argparse
import json
import random
import time
from itertools import count
from statistics import median, quantiles
from typing import Final
from urllib.request import urlopen

from django.db.transaction import atomic
from django.utils import timezone
from rich.progress import track

from gateway.models import Gateway
from gateway.terminal import console
from gateway.vault import seal
from webhooks.events import EventType
from webhooks.models import Delivery, Endpoint
from webhooks.services.recording import record_event
from webhooks.signing import new_secret

BORNE: Final = 2.0
SETTLES_WITHIN: Final = 30.0
PAYLOAD: Final = {"smallcaseAuthId": "5d8dc01c1446386d96c4832f", "orders": [{"tradingsymbol": "INFY"}] * 10}
_numbers = count(1)


def bench(wanted: argparse.Namespace, ports: tuple[int, int]) -> int:
    answering, hanging = ports
    gateways = _gateways(wanted.endpoints)
    _play(gateways, wanted, answering, seconds=3)  # connections opened, plans made
    healthy, beside_hung = [], []
    for _ in track(range(wanted.rounds), description="Rounds"):
        _direct(gateways, answering, hung=0, hanging=hanging)
        healthy.append(_play(gateways, wanted, answering, seconds=wanted.seconds))
        _direct(gateways, answering, hung=wanted.hung, hanging=hanging)
        beside_hung.append(_play(gateways, wanted, answering, seconds=wanted.seconds))
    return _report(wanted, healthy, beside_hung)


def _gateways(number: int) -> list[Gateway]:
    """Each with an endpoint of its own on an address of its own."""
    now, sealed = timezone.now(), seal(new_secret())
    made = Gateway.objects.bulk_create(
        Gateway(name=f"bench-{n}", sealed_api_secret=sealed, sealed_jwt_secret=sealed, created_at=now)
        for n in range(number)
    )
    Endpoint.objects.bulk_create(
        Endpoint(gateway=gateway, url=f"http://127.0.0.1/{n}", sealed_secret=sealed, created_at=now)
        for n, gateway in enumerate(made)
    )
    return made


def _direct(gateways: list[Gateway], answering: int, *, hung: int, hanging: int) -> None:
    """Where each endpoint leads in the next round, all of them with a clean slate and nothing owed."""
    deadline = time.monotonic() + SETTLES_WITHIN
    while Delivery.objects.filter(status="DUE", failures=0).exists() and time.monotonic() < deadline:
        time.sleep(0.2)  # the couriers finish the last round
    Delivery.objects.filter(status="DUE").update(status="GIVEN_UP", due_at=None)
    endpoints = list(Endpoint.objects.order_by("pk"))
    for n, endpoint in enumerate(endpoints):
        port = hanging if n * hung % len(endpoints) < hung else answering
        endpoint.url = f"http://127.1.{n // 250}.{n % 250 + 1}:{port}/hooks"
        endpoint.failures, endpoint.failing_since = 0, None
        endpoint.is_enabled, endpoint.disabled_at, endpoint.disabled_because = True, None, ""
    columns = ["url", "failures", "failing_since", "is_enabled", "disabled_at", "disabled_because"]
    Endpoint.objects.bulk_update(endpoints, columns, batch_size=500)


def _play(gateways: list[Gateway], wanted: argparse.Namespace, answering: int, *, seconds: float) -> list[float]:
    """Events at the wanted rate; how long each took to arrive, in seconds."""
    _arrivals(answering)
    began, order = time.monotonic(), random.sample(gateways, len(gateways))
    for number in range(int(wanted.rate * seconds)):
        time.sleep(max(0.0, began + number / wanted.rate - time.monotonic()))
        _record(order[number % len(order)])
    time.sleep(1)
    return _arrivals(answering)


def _record(gateway: Gateway) -> None:
    with atomic():
        record_event(
            gateway=gateway,
            kind=EventType.ORDER_PLACED,
            subject=f"bench-{next(_numbers)}",
            sequence=1,
            payload={**PAYLOAD, "recordedAt": time.time()},
            now=timezone.now(),
        )


def _arrivals(port: int) -> list[float]:
    with urlopen(f"http://127.0.0.1:{port}/") as response:
        return [float(took) for took in json.load(response)]


def _report(wanted: argparse.Namespace, healthy: list[list[float]], beside_hung: list[list[float]]) -> int:
    out = console()
    pairs = [(_p99(a), _p99(b)) for a, b in zip(healthy, beside_hung, strict=True)]
    ratios = sorted(b / a for a, b in pairs)
    for name, rounds in (("none hung", healthy), (f"{wanted.hung} hung", beside_hung)):
        every = [took for one in rounds for took in one]
        middle, last = 1000 * median(every), 1000 * _p99(every)
        out.print(f"{name:>10}: p50 {middle:6.1f} ms, p99 {last:6.1f} ms, {len(every)} events")
    ratio = median(ratios)
    out.print(f"p99 beside {wanted.hung} hung of {wanted.endpoints}, to none hung: {ratio:.2f} "
              f"(rounds from {ratios[0]:.2f} to {ratios[-1]:.2f}; at most {BORNE} wanted)")  # fmt: skip
    return int(ratio > BORNE)


def _p99(took: list[float]) -> float:
    return quantiles(took, n=100)[98]
