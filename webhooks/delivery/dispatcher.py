"""Sends deliveries: leases due rows, posts them from threads, and records the results in sets.

A process has many posts in flight (gateway.queue.concurrency limits them per endpoint), and only its main thread uses
the database, in sets. Events of a batch keep their order: n+1 is sent after n is delivered or given up.
"""

import json
import logging
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Final

from cryptography.fernet import InvalidToken
from django.db.models import Exists, OuterRef, QuerySet
from django.db.transaction import atomic

from gateway.partners import clock
from gateway.partners.authentication import api_secrets
from gateway.queue import leases
from gateway.queue.concurrency import Limits, PeerConcurrency
from gateway.queue.enqueue import IDLE_GRACE_SECONDS
from gateway.values.timestamps import timestamp
from webhooks import sql
from webhooks.delivery import client
from webhooks.delivery.attempt_view import named_headers
from webhooks.delivery.endpoints import signing_secrets
from webhooks.delivery.record_attempts import FinishedAttempt, settle
from webhooks.models import Delivery, DeliveryStatus
from webhooks.signing.sign import checksum, standard_headers

log = logging.getLogger(__name__)

# Longer than the client's ten seconds and a few polls, so an expired lease means that the process died.
DELIVERY_LEASE: Final = timedelta(seconds=30)
POLL_SECONDS: Final = 0.025
GATHER_SECONDS: Final = 0.005
SHIFT_SECONDS: Final = 5.0
SHUT_DOWN_SECONDS: Final = 2.0
LIMITS: Final = Limits()
Pick = Callable[[list[Delivery]], list[Delivery]]


@dataclass(frozen=True, slots=True)
class InFlight:
    """`at` by the gateway's clock, `since` by this process's monotonic clock."""

    delivery: Delivery
    at: datetime
    since: float


@dataclass
class WebhookDispatcher:
    """One per process. Attempts in flight at the end of a shift are recorded in the next shift."""

    options: client.ClientOptions
    is_stopping: bool = False
    concurrency: PeerConcurrency[int] = field(default_factory=lambda: PeerConcurrency(LIMITS))  # endpoints by id
    in_flight: "dict[Future[client.EndpointResponse], InFlight]" = field(default_factory=dict)
    finished: "SimpleQueue[Future[client.EndpointResponse]]" = field(default_factory=SimpleQueue)
    threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(LIMITS.at_once, thread_name_prefix="delivery")
    )

    def shift(self, *, seconds: float = SHIFT_SECONDS, idle_grace: float = IDLE_GRACE_SECONDS) -> int:
        """Sends until `seconds` have passed, or nothing is due and every fast attempt is recorded. Returns how many."""
        began = busy = time.monotonic()
        finished = 0
        while not self.is_stopping:
            sent, settled = self._send_due(), self._settle_finished(wait=POLL_SECONDS)
            finished += settled
            now = time.monotonic()
            busy = now if sent or settled else busy
            is_quiet = now - busy >= idle_grace and not self.concurrency.has_young(now)
            if is_quiet or now - began >= seconds:
                return finished
        self._shut_down()
        return finished

    def deliver_all(self) -> int:
        """Sends until nothing is due and nothing is in flight. Returns how many attempts were recorded."""
        finished = 0
        while self._send_due() or self.in_flight:
            finished += self._settle_finished(wait=self.options.total_seconds)
        return finished

    def _shut_down(self) -> None:
        """Waits for attempts in flight, so that they need not be sent again."""
        until = time.monotonic() + SHUT_DOWN_SECONDS
        while self.in_flight and time.monotonic() < until:
            self._settle_finished(wait=POLL_SECONDS)

    def _send_due(self) -> int:
        """Returns how many were sent. If the database fails, none is sent and no endpoint's limit is used up."""
        now = time.monotonic()
        chosen: list[Delivery] = []
        with ExitStack() as undoing:
            undoing.callback(self._release, chosen, since=now)
            room = self.concurrency.room(now)
            take(closed=self.concurrency.full(now), room=room, pick=lambda due: self._choose(due, chosen, room, now))
            undoing.pop_all()
        for delivery in chosen:
            self._send(delivery, since=now)
        return len(chosen)

    def _choose(self, due: Sequence[Delivery], chosen: list[Delivery], room: int, now: float) -> list[Delivery]:
        """The deliveries to send now; they count as in flight from here on.

        Bulk deliveries get at most half of the room, so that new events need not wait for them.
        """
        bulk = 0
        for delivery in due:
            endpoint = delivery.endpoint_id
            self.concurrency.mark_failing(endpoint, is_failing=delivery.endpoint.failures > 0)
            bulk += delivery.is_bulk
            if self.concurrency.admits(endpoint, now) and bulk <= max(1, room // 2):
                self.concurrency.start(endpoint, now)
                chosen.append(delivery)
        return chosen

    def _release(self, chosen: Sequence[Delivery], *, since: float) -> None:
        for delivery in chosen:
            self.concurrency.finish(delivery.endpoint_id, since=since)

    def _send(self, delivery: Delivery, *, since: float) -> None:
        at = clock.now(delivery.gateway)
        future = self.threads.submit(_post, delivery, at, options=self.options)
        self.in_flight[future] = InFlight(delivery, at, since)
        future.add_done_callback(self.finished.put)

    def _settle_finished(self, *, wait: float) -> int:
        """If recording fails, the attempt has still finished: its row stays due, and is sent again after its lease."""
        futures = self._finished(wait=wait)
        try:
            settle([finished for future in futures if (finished := _finished(self.in_flight[future], future))])
        finally:
            for future in futures:
                self._forget(self.in_flight.pop(future), future)
        return len(futures)

    def _finished(self, *, wait: float) -> "list[Future[client.EndpointResponse]]":
        """Attempts that finish within `wait`, and those that follow closely, so that one write records them all."""
        futures: list[Future[client.EndpointResponse]] = []
        with suppress(Empty):
            futures.append(self.finished.get(timeout=wait))
            until = time.monotonic() + GATHER_SECONDS
            while len(futures) < len(self.in_flight):
                futures.append(self.finished.get(timeout=max(0.0, until - time.monotonic())))
        return futures

    def _forget(self, sent: InFlight, future: "Future[client.EndpointResponse]") -> None:
        endpoint = sent.delivery.endpoint_id
        self.concurrency.finish(endpoint, since=sent.since)
        if future.exception() is None and future.result().accepted:
            self.concurrency.mark_healthy(endpoint)
        else:
            self.concurrency.mark_failing(endpoint, is_failing=True)


def next_in_line() -> QuerySet[Delivery]:
    """Due deliveries to enabled endpoints, without a pending predecessor for the same subject and endpoint."""
    before = Delivery.objects.filter(
        status=DeliveryStatus.DUE,
        endpoint=OuterRef("endpoint"),
        event__gateway=OuterRef("gateway"),
        event__subject=OuterRef("event__subject"),
        event__sequence__lt=OuterRef("event__sequence"),
    )
    return Delivery.objects.filter(~Exists(before), status=DeliveryStatus.DUE, endpoint__is_enabled=True)


def take(*, closed: Collection[int] = (), room: int = LIMITS.at_once, pick: Pick = list) -> list[Delivery]:
    """Leases the due deliveries that `pick` chooses. Other processes skip all rows that `pick` is shown."""
    if not room:
        return []
    with atomic(durable=True):
        taken = pick(sql.due_deliveries(clock.clocks(), closed=closed, limit=room))
        leases.acquire_each(taken, lease=DELIVERY_LEASE)
    return taken


def _post(delivery: Delivery, at: datetime, *, options: client.ClientOptions) -> client.EndpointResponse:
    """Runs in a thread; everything that it needs is already loaded."""
    try:
        body, headers = signed(delivery, at)
    except InvalidToken:
        return client.EndpointResponse(None, 0, error="None of ENCRYPTION_KEYS decrypts the secrets of this endpoint.")
    return client.post(delivery.endpoint.url, body, headers, options=options)


def signed(delivery: Delivery, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an attempt: the stored payload with a new timestamp, checksum and signatures."""
    event, endpoint = delivery.event, delivery.endpoint
    stamp = timestamp(now)
    auth_id = event.payload.get("smallcaseAuthId") or ""
    checked = checksum(api_secret=api_secrets(delivery.gateway)[0], timestamp=stamp, auth_id=auth_id)
    body = json.dumps({**event.payload, "timestamp": stamp, "checksum": checked}).encode()
    signatures = standard_headers(
        webhook_id=event.key, sent_at=clock.wall(), body=body, signing_secrets=signing_secrets(endpoint)
    )
    return body, signatures | named_headers(event)


def _finished(sent: InFlight, future: "Future[client.EndpointResponse]") -> FinishedAttempt | None:
    """None for an attempt that failed inside the gateway: its row is sent again after its lease."""
    if error := future.exception():
        log.error("Delivery %s failed before it was sent.", sent.delivery.pk, exc_info=error)
        return None
    return FinishedAttempt(sent.delivery, sent.at, future.result())
