"""One process with many deliveries in flight, by the real clock and real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from gateway.models import Gateway
from tests import make
from tests.receiver import Hit, Receiver
from tests.webhooks.delivery import raw
from tests.webhooks.owing import owe
from webhooks.delivery.client import ClientOptions
from webhooks.delivery.dispatcher import LIMITS, WebhookDispatcher
from webhooks.delivery.endpoints import add_endpoint
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.django_db


class HoldsBack:
    """Answers when it is told to, but for thirty seconds at most."""

    def __init__(self) -> None:
        self.told = threading.Event()

    def __call__(self, hit: Hit) -> int:
        self.told.wait(30)
        return 200


@pytest.fixture
def hung() -> Iterator[Receiver]:
    holding = HoldsBack()
    with Receiver(holding) as receiver:
        yield receiver
        holding.told.set()


@pytest.fixture
def dispatcher() -> WebhookDispatcher:
    return WebhookDispatcher(ClientOptions(allow_private=True))


def listening_at(url: str) -> Gateway:
    gateway = make.gateway()
    add_endpoint(gateway=gateway, url=url, now=timezone.now())
    return gateway


def owe_many(gateway: Gateway, number: int) -> None:
    for n in range(number):
        owe(gateway, timezone.now(), subject=f"{n:024}")


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("status", flat=True))


class TestAShift:
    def test_ends_when_nothing_is_due(self, dispatcher: WebhookDispatcher) -> None:
        began = time.monotonic()

        dispatcher.shift(idle_grace=0.2)

        assert 0.2 <= time.monotonic() - began < 2

    def test_ends_with_its_time_though_more_is_due(self, dispatcher: WebhookDispatcher, receiver: Receiver) -> None:
        owe_many(listening_at(receiver.url), 5)

        dispatcher.shift(seconds=0)

        assert "DUE" in statuses()

    def test_delivers_what_falls_due_in_it(self, dispatcher: WebhookDispatcher, receiver: Receiver) -> None:
        gateway = listening_at(receiver.url)
        owe(gateway, timezone.now(), sequence=1)
        owe(gateway, timezone.now(), sequence=2)

        dispatcher.shift(seconds=60)

        assert statuses() == ["DELIVERED", "DELIVERED"]
        assert [hit.headers["x-gateway-sequence"] for hit in receiver.hits] == ["1", "2"]

    def test_does_not_wait_for_who_hangs(
        self, dispatcher: WebhookDispatcher, receiver: Receiver, hung: Receiver
    ) -> None:
        owe_many(listening_at(hung.url), 3)
        owe_many(listening_at(receiver.url), 10)
        began = time.monotonic()

        dispatcher.shift(seconds=60)

        assert statuses() == ["DUE"] * 3 + ["DELIVERED"] * 10
        assert time.monotonic() - began < 9  # a post may take ten
        assert len(dispatcher.in_flight) == 3

    def test_leaves_little_with_who_hangs(self, dispatcher: WebhookDispatcher, hung: Receiver) -> None:
        owe_many(listening_at(hung.url), 50)

        dispatcher.shift(seconds=60)

        assert len(dispatcher.in_flight) == LIMITS.unknown

    def test_settles_what_an_earlier_one_left_in_flight(self, dispatcher: WebhookDispatcher, hung: Receiver) -> None:
        owe_many(listening_at(hung.url), 2)
        dispatcher.shift(seconds=60)
        before = statuses()

        hung.answer.told.set()  # type: ignore[attr-defined]
        hung.wait_for(lambda hits: len(hits) == 2)
        dispatcher.shift(idle_grace=0.5)

        assert (before, statuses()) == (["DUE", "DUE"], ["DELIVERED", "DELIVERED"])
        assert (dispatcher.in_flight, dispatcher.concurrency.in_flight) == ({}, {})

    def test_sends_what_is_bulk_last(self, dispatcher: WebhookDispatcher, receiver: Receiver) -> None:
        gateway = listening_at(receiver.url)
        owe_many(gateway, 40)
        Delivery.objects.update(is_bulk=True)
        urgent = owe(gateway, timezone.now(), subject="urgent")

        dispatcher.shift(seconds=60)

        first = [hit.headers["webhook-id"] for hit in receiver.hits[: LIMITS.unknown + 1]]
        assert urgent.event.key in first
        assert set(statuses()) == {"DELIVERED"}

    def test_is_told_to_stop(self, dispatcher: WebhookDispatcher, receiver: Receiver) -> None:
        owe_many(listening_at(receiver.url), 1)
        dispatcher.is_stopping = True

        dispatcher.shift(seconds=60)

        assert (statuses(), receiver.hits) == (["DUE"], [])

    def test_that_stops_waits_a_moment_for_what_is_in_flight(
        self, dispatcher: WebhookDispatcher, hung: Receiver
    ) -> None:
        owe_many(listening_at(hung.url), 1)
        dispatcher.shift(seconds=60)
        dispatcher.is_stopping = True
        threading.Timer(0.3, hung.answer.told.set).start()  # type: ignore[attr-defined]

        dispatcher.shift(seconds=60)

        assert statuses() == ["DELIVERED"]


class TestADelivery:
    def test_that_cannot_be_signed_is_a_failed_attempt(self, dispatcher: WebhookDispatcher, receiver: Receiver) -> None:
        gateway = listening_at(receiver.url)
        owe(gateway, timezone.now())
        Endpoint.objects.update(encrypted_secret="encrypted by a key that is gone")

        dispatcher.deliver_all()

        assert Attempt.objects.get().error == "None of ENCRYPTION_KEYS decrypts the secrets of this endpoint."
        assert (Delivery.objects.get().failures, receiver.hits) == (1, [])

    def test_that_breaks_on_our_side_stops_no_other(
        self, dispatcher: WebhookDispatcher, receiver: Receiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        gateway = listening_at(receiver.url)
        broken = owe(gateway, timezone.now(), subject="broken")
        type(broken.event).objects.filter(pk=broken.event_id).update(payload=["no object"])
        owe(gateway, timezone.now(), subject="whole")

        dispatcher.deliver_all()

        assert statuses() == ["DUE", "DELIVERED"]
        assert "failed before it was sent" in caplog.text
        assert dispatcher.in_flight == {}

    def test_may_not_lead_inside(self, receiver: Receiver) -> None:
        owe(listening_at(receiver.url), timezone.now())

        WebhookDispatcher(ClientOptions(allow_private=False)).deliver_all()

        assert Attempt.objects.get().error == "Forbidden: 127.0.0.1 is not a public address."
        assert (Delivery.objects.get().failures, receiver.hits) == (1, [])

    def test_is_recorded_beside_a_partner_that_asks_for_an_impossible_date(
        self, dispatcher: WebhookDispatcher, receiver: Receiver
    ) -> None:
        asked = b"retry-after: Mon, 01 Jan 2024 00:00:00 +99999999999999999999\r\n"
        with raw.listening(raw.drip(b"HTTP/1.1 503 No\r\n" + asked + b"content-length: 0\r\n\r\n", every=0)) as url:
            owe(listening_at(url), timezone.now())
            owe(listening_at(receiver.url), timezone.now())
            dispatcher.deliver_all()

        assert statuses() == ["DUE", "DELIVERED"]
        assert list(Attempt.objects.order_by("delivery").values_list("status_code", flat=True)) == [503, 200]

    def test_to_a_partner_that_resets_is_tried_again(self, dispatcher: WebhookDispatcher) -> None:
        with raw.listening(raw.reset) as url:
            owe(listening_at(url), timezone.now())
            dispatcher.deliver_all()

        assert (statuses(), Attempt.objects.get().status_code) == (["DUE"], None)

    def test_is_never_settled_by_the_late_answer_to_another(self, dispatcher: WebhookDispatcher) -> None:
        """Interim answer, a long wait, success; the next event, sent meanwhile, is refused."""
        asked: list[bytes] = []

        def behave(connection: socket.socket) -> None:
            while connection.recv(65536):
                asked.append(b"")
                if len(asked) == 1:
                    connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
                    time.sleep(0.6)
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                else:
                    time.sleep(0.6)
                    connection.sendall(b"HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno")

        with raw.listening(behave) as url:
            gateway = listening_at(url)
            owe(gateway, timezone.now(), subject="first")
            dispatcher.shift(seconds=0)
            time.sleep(0.2)
            owe(gateway, timezone.now(), subject="second")
            dispatcher.deliver_all()

        assert statuses() == ["DELIVERED", "DUE"]
        assert dict(Attempt.objects.values_list("delivery__event__subject", "status_code")) == {
            "first": 200,
            "second": 500,
        }


class TestWithoutADatabase:
    """For a moment; the dispatcher's own memory of what is in flight must not outlast it."""

    @pytest.mark.parametrize(
        ("lost", "heard"),
        [('UPDATE "webhooks_delivery"', 1), ('INSERT INTO "webhooks_attempt"', 2)],
        ids=["taking", "settling"],
    )
    def test_an_endpoint_is_spoken_to_again(
        self, dispatcher: WebhookDispatcher, receiver: Receiver, lost: str, heard: int
    ) -> None:
        owe_many(listening_at(receiver.url), 1)
        with loses_the_first(lost), pytest.raises(OperationalError):
            dispatcher.deliver_all()
        Delivery.objects.update(leased_until=timezone.now())  # the lease has lapsed
        time.sleep(LIMITS.slow_after)  # an endpoint that is in flight for longer gets no more

        dispatcher.shift(seconds=60)

        assert (statuses(), len(receiver.hits)) == (["DELIVERED"], heard)


@contextmanager
def loses_the_first(beginning: str) -> Iterator[None]:
    """The connection fails at the first statement that begins so."""
    lost: list[str] = []

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(beginning) and not lost:
            lost.append(sql)
            raise OperationalError("server closed the connection unexpectedly")
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield
