"""Lease, send, settle, against a real receiver on loopback."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.db.models import F
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.models import Gateway
from gateway.partners import clock
from gateway.partners.credentials import Credentials, rotate
from tests import make
from tests.receiver import Hit, Receiver
from tests.webhooks.owing import AUTH_ID, PAYLOAD, owe
from webhooks.delivery.client import ClientOptions
from webhooks.delivery.dispatcher import DELIVERY_LEASE, WebhookDispatcher, next_in_line
from webhooks.delivery.endpoints import NewEndpoint, add_endpoint, retire_secret, rotate_secret
from webhooks.delivery.retry import WAITS, Plan
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.signing.sign import checksum

Answering = Callable[[Hit], int]


@pytest.fixture
def partner(db: None, still: None) -> Credentials:
    return make.credentials()


@pytest.fixture
def hook(partner: Credentials, receiver: Receiver, now: datetime) -> NewEndpoint:
    return add_endpoint(gateway=partner.gateway, url=receiver.url, now=now)


def deliver() -> None:
    WebhookDispatcher(ClientOptions(allow_private=True)).deliver_all()


def work_on(delivery: Delivery) -> Delivery:
    deliver()
    return Delivery.objects.get(pk=delivery.pk)


def once_due(delivery: Delivery) -> Delivery:
    """Worked on at the time for which it was put off."""
    wait = delivery.due_at - clock.now(Gateway.objects.get(pk=delivery.gateway_id)) if delivery.due_at else timedelta(0)
    make.later(delivery.gateway, seconds=wait.total_seconds())
    return work_on(delivery)


def in_line() -> set[int]:
    return set(next_in_line().values_list("pk", flat=True))


def verifies(hit: Hit, secret: str) -> bool:
    """As the reference library of Standard Webhooks sees it."""
    try:
        Webhook(secret).verify(hit.body, hit.headers)
    except WebhookVerificationError:
        return False
    return True


class TestASuccess:
    def test_settles_the_delivery(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        delivery = work_on(owe(partner.gateway, now))

        assert (delivery.status, delivery.due_at, delivery.finished_at) == ("DELIVERED", None, now)
        assert (delivery.attempts, delivery.failures, len(receiver.hits)) == (1, 0, 1)

    def test_is_kept_as_an_attempt(self, partner: Credentials, hook: NewEndpoint, now: datetime) -> None:
        delivery = work_on(owe(partner.gateway, now))

        attempt = Attempt.objects.get()
        assert (attempt.delivery, attempt.at, attempt.status_code) == (delivery, now, 200)
        assert (attempt.error, attempt.response) == ("", "ok")

    def test_sends_the_payload_with_timestamp_and_checksum(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        work_on(owe(partner.gateway, now))

        stamp = "2026-11-20T05:30:00.000Z"
        expected = checksum(api_secret=partner.api_secret, timestamp=stamp, auth_id=AUTH_ID)
        assert receiver.hits[0].json == {**PAYLOAD, "timestamp": stamp, "checksum": expected}

    def test_names_event_sequence_and_key(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        delivery = work_on(owe(partner.gateway, now, sequence=3))

        headers = receiver.hits[0].headers
        assert {name: headers[name] for name in ("x-gateway-event", "x-gateway-sequence", "webhook-id")} == {
            "x-gateway-event": "order.updated",
            "x-gateway-sequence": "3",
            "webhook-id": delivery.event.key,
        }

    def test_stamps_the_body_by_the_gateways_clock_and_signs_by_the_walls(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        later = make.later(partner.gateway, days=3)
        work_on(owe(Gateway.objects.get(), later))

        (hit,) = receiver.hits
        assert hit.json["timestamp"] == "2026-11-23T05:30:00.000Z"
        assert hit.headers["webhook-timestamp"] == str(int(now.timestamp()))

    def test_verifies_with_the_reference_library_before_during_and_after_a_rotation(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        work_on(owe(partner.gateway, now, subject="before"))
        new = rotate_secret(hook.endpoint)
        work_on(owe(partner.gateway, now, subject="during"))
        retire_secret(hook.endpoint)
        work_on(owe(partner.gateway, now, subject="after"))

        assert [verifies(hit, hook.secret) for hit in receiver.hits] == [True, True, False]
        assert [verifies(hit, new) for hit in receiver.hits] == [False, True, True]

    def test_carries_the_signatures_of_both_secrets_during_a_rotation(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        new = rotate_secret(hook.endpoint)

        work_on(owe(partner.gateway, now))

        (hit,) = receiver.hits
        assert Webhook(hook.secret).verify(hit.body, hit.headers) == hit.json
        assert Webhook(new).verify(hit.body, hit.headers) == hit.json

    def test_is_checked_with_the_current_api_secret(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        new = rotate(partner.gateway, kind="api")

        work_on(owe(partner.gateway, now))

        body = receiver.hits[0].json
        assert body["checksum"] == checksum(api_secret=new, timestamp=body["timestamp"], auth_id=AUTH_ID)

    def test_is_sent_once_however_often_the_bell_rings(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        owe(partner.gateway, now)
        deliver()

        deliver()

        assert (len(receiver.hits), Attempt.objects.count()) == (1, 1)


class TestAFailure:
    @pytest.mark.parametrize("plan", Plan)
    def test_is_tried_again_as_planned_and_then_given_up(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime, plan: Plan
    ) -> None:
        Endpoint.objects.update(plan=plan.value)
        receiver.answer = lambda hit: 500
        delivery = owe(partner.gateway, now)

        for wait in WAITS[plan]:
            delivery = once_due(delivery)
            assert delivery.status == "DUE"
            assert delivery.due_at is not None
            assert wait * 0.9 <= delivery.due_at - clock.now(Gateway.objects.get()) <= wait * 1.1
        delivery = once_due(delivery)

        tries = len(WAITS[plan]) + 1
        assert (delivery.status, delivery.due_at, delivery.failures) == ("GIVEN_UP", None, tries)
        assert (delivery.finished_at, len(receiver.hits)) == (clock.now(Gateway.objects.get()), tries)

    def test_keeps_its_id_and_signs_anew(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        receiver.answer = lambda hit: 503
        delivery = work_on(owe(partner.gateway, now))
        make.later(partner.gateway, minutes=1)
        work_on(delivery)

        first, second = receiver.hits
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert (first.json["timestamp"], second.json["timestamp"]) == (
            "2026-11-20T05:30:00.000Z",
            "2026-11-20T05:31:00.000Z",
        )
        assert first.json["checksum"] != second.json["checksum"]

    def test_keeps_every_attempt(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        answers = iter([500, 404, 302, 200])
        receiver.answer = lambda hit: next(answers)
        delivery = owe(partner.gateway, now)
        for _ in range(4):
            delivery = once_due(delivery)

        assert list(Attempt.objects.order_by("pk").values_list("status_code", flat=True)) == [500, 404, 302, 200]
        assert (delivery.status, delivery.failures, delivery.attempts) == ("DELIVERED", 3, 4)

    def test_frees_the_row_for_the_sweep(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        receiver.answer = lambda hit: 500

        assert work_on(owe(partner.gateway, now)).leased_until == now

    def test_to_connect_is_recorded(self, partner: Credentials, hook: NewEndpoint, now: datetime) -> None:
        Endpoint.objects.update(url="http://127.0.0.1:9/hooks")

        delivery = work_on(owe(partner.gateway, now))

        attempt = Attempt.objects.get()
        assert (attempt.status_code, attempt.response) == (None, "")
        assert attempt.error == "NotConnected: 127.0.0.1: Connection refused"
        assert (delivery.status, delivery.failures) == ("DUE", 1)


class TestTheLine:
    def test_is_formed_by_sequence(self, partner: Credentials, hook: NewEndpoint, now: datetime) -> None:
        second, first = owe(partner.gateway, now, sequence=2), owe(partner.gateway, now, sequence=1)

        assert in_line() == {first.pk}
        assert second.pk not in in_line()

    def test_makes_the_second_wait_for_the_first(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        receiver.answer = lambda hit: 500
        first, second = owe(partner.gateway, now, sequence=1), owe(partner.gateway, now, sequence=2)
        work_on(first)

        second = work_on(second)

        assert (second.attempts, len(receiver.hits)) == (0, 1)

    @pytest.mark.parametrize("settled", ["DELIVERED", "GIVEN_UP"])
    def test_moves_on_once_the_first_is_settled(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime, settled: str
    ) -> None:
        first, second = owe(partner.gateway, now, sequence=1), owe(partner.gateway, now, sequence=2)
        Delivery.objects.filter(pk=first.pk).update(status=settled, due_at=None)

        assert work_on(second).status == "DELIVERED"

    def test_is_one_per_batch(self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime) -> None:
        receiver.answer = lambda hit: 500
        work_on(owe(partner.gateway, now, sequence=1))
        other = owe(partner.gateway, now, sequence=2, subject="c" * 24)

        assert other.pk in in_line()

    def test_is_one_per_endpoint(
        self, partner: Credentials, hook: NewEndpoint, receiver: Receiver, now: datetime
    ) -> None:
        other = add_endpoint(gateway=partner.gateway, url=f"{receiver.url}/2", now=now).endpoint
        owe(partner.gateway, now, sequence=1)
        owe(partner.gateway, now, sequence=2)
        Delivery.objects.filter(endpoint=other, event__sequence=1).update(status="DELIVERED", due_at=None)

        assert list(next_in_line().order_by("pk").values_list("endpoint", "event__sequence")) == [
            (hook.endpoint.pk, 1),
            (other.pk, 2),
        ]

    def test_is_one_per_gateway(self, partner: Credentials, hook: NewEndpoint, now: datetime) -> None:
        stranger = make.gateway()
        add_endpoint(gateway=stranger, url="https://stranger.example/", now=now)
        owe(stranger, now, sequence=1)

        assert owe(partner.gateway, now, sequence=2).pk in in_line()


class TestTheLease:
    def test_is_longer_than_an_attempt_may_take(self) -> None:
        assert timedelta(seconds=20) < DELIVERY_LEASE

    def test_lost_to_another_worker_changes_nothing_but_keeps_the_attempt(
        self, transactional_db: None, still: None, receiver: Receiver, now: datetime
    ) -> None:
        gateway = make.gateway()
        add_endpoint(gateway=gateway, url=receiver.url, now=now)
        delivery = owe(gateway, now)
        receiver.answer = self.claimed_by_another

        delivery = work_on(delivery)

        assert (delivery.status, delivery.due_at, delivery.attempts) == ("DUE", now, 2)
        assert (delivery.finished_at, delivery.leased_until) == (None, now + DELIVERY_LEASE)
        assert Attempt.objects.get().status_code == 200

    @staticmethod
    def claimed_by_another(hit: Hit) -> int:
        """While this one waits for its answer; in the receiver's thread, as another process would."""
        Delivery.objects.update(attempts=F("attempts") + 1)
        connections.close_all()
        return 200
