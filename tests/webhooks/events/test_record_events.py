from collections.abc import Sequence
from datetime import datetime

import pytest
from django.db import IntegrityError, connection
from django.db.transaction import atomic, set_rollback
from django.test.utils import CaptureQueriesContext

from gateway.models import Gateway
from tests import make
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import DEFAULT_TYPES, EventType
from webhooks.events.record_events import EventDraft, record_each, record_event
from webhooks.models import Delivery, Endpoint, Event

PAYLOAD = {"batchId": "0" * 24, "averagePrice": 1180.1234, "notes": "₹"}


def record(gateway: Gateway, now: datetime, kind: EventType = EventType.ORDER_PLACED, sequence: int = 1) -> None:
    with atomic():
        record_event(gateway=gateway, kind=kind, subject="0" * 24, sequence=sequence, payload=PAYLOAD, now=now)


def listen(gateway: Gateway, now: datetime, path: str = "", types: Sequence[str] = DEFAULT_TYPES) -> Endpoint:
    made = add_endpoint(gateway=gateway, url=f"https://partner.example/{path}", now=now).endpoint
    Endpoint.objects.filter(pk=made.pk).update(types=list(types))
    return made


@pytest.fixture
def gateway(db: None, still: None) -> Gateway:
    return make.gateway()


class TestRecordEvent:
    def test_keeps_the_fact_as_it_was(self, gateway: Gateway, now: datetime) -> None:
        record(gateway, now)

        event = Event.objects.get()
        assert (event.type, event.subject, event.sequence, event.created_at) == ("order.placed", "0" * 24, 1, now)
        assert event.payload == PAYLOAD

    def test_of_several_is_owed_as_each_by_itself(self, gateway: Gateway, now: datetime) -> None:
        other = make.gateway()
        mine = listen(gateway, now, types=[EventType.ORDER_PLACED])
        theirs = listen(other, now)
        told = [
            (gateway, EventType.ORDER_PLACED, "a"),
            (other, EventType.ORDER_UPDATED, "b"),
            (gateway, EventType.ORDER_UPDATED, "c"),
        ]

        with atomic(), CaptureQueriesContext(connection) as captured:
            record_each([EventDraft(of, kind, subject, 1, {}, now, asked_by=subject) for of, kind, subject in told])

        assert list(Event.objects.order_by("pk").values_list("gateway", "type", "subject", "request_id")) == [
            (of.pk, kind.value, subject, subject) for of, kind, subject in told
        ]
        owed = Delivery.objects.order_by("pk").values_list("event__subject", "endpoint")
        assert list(owed) == [("a", mine.pk), ("b", theirs.pk)]
        assert len([one for one in captured if "SAVEPOINT" not in one["sql"]]) == 2 + len({gateway.pk, other.pk})

    def test_gives_every_event_a_key_of_its_own(self, gateway: Gateway, now: datetime) -> None:
        record(gateway, now, sequence=1)
        record(gateway, now, sequence=2)

        first, second = Event.objects.values_list("key", flat=True)
        assert first != second
        assert first.startswith("evt_")

    def test_owes_it_to_every_endpoint_of_the_gateway(self, gateway: Gateway, now: datetime) -> None:
        here = {listen(gateway, now, "a").pk, listen(gateway, now, "b").pk}
        listen(make.gateway(), now)

        record(gateway, now)

        assert set(Delivery.objects.values_list("endpoint", flat=True)) == here

    def test_owes_it_at_once(self, gateway: Gateway, now: datetime) -> None:
        listen(gateway, now)

        record(gateway, now)

        delivery = Delivery.objects.get()
        assert (delivery.status, delivery.due_at, delivery.attempts) == ("DUE", now, 0)
        assert delivery.leased_until == now

    @pytest.mark.parametrize(
        ("kind", "types", "owed"),
        [
            (EventType.ORDER_PLACED, DEFAULT_TYPES, 1),
            (EventType.ORDER_COMPLETED, DEFAULT_TYPES, 1),
            (EventType.ORDER_UPDATED, DEFAULT_TYPES, 1),
            (EventType.HOLDINGS_IMPORTED, DEFAULT_TYPES, 1),
            (EventType.ACTION_PENDING, DEFAULT_TYPES, 0),
            (EventType.TRANSACTION_ERRORED, DEFAULT_TYPES, 0),
            (EventType.TRANSACTION_ERRORED, ["transaction.errored"], 1),
            (EventType.ORDER_PLACED, ["transaction.errored"], 0),
            (EventType.ORDER_PLACED, [], 0),
        ],
    )
    def test_owes_only_what_was_subscribed_to(
        self, gateway: Gateway, now: datetime, kind: EventType, types: Sequence[str], owed: int
    ) -> None:
        listen(gateway, now, types=types)

        record(gateway, now, kind)

        assert (Event.objects.count(), Delivery.objects.count()) == (1, owed)

    def test_owes_nothing_to_a_disabled_endpoint(self, gateway: Gateway, now: datetime) -> None:
        listen(gateway, now)
        Endpoint.objects.update(is_enabled=False, disabled_at=now, disabled_reason="Asked to.")

        record(gateway, now)

        assert (Event.objects.count(), Delivery.objects.count()) == (1, 0)

    def test_is_rolled_back_with_its_change(self, gateway: Gateway, now: datetime) -> None:
        listen(gateway, now)

        with atomic():
            record(gateway, now)
            set_rollback(True)

        assert (Event.objects.count(), Delivery.objects.count()) == (0, 0)

    def test_counts_each_number_of_a_subject_once(self, gateway: Gateway, now: datetime) -> None:
        record(gateway, now)

        with pytest.raises(IntegrityError):
            record(gateway, now)

        assert Event.objects.count() == 1


class TestOutsideATransaction:
    def test_is_refused(self, transactional_db: None, now: datetime) -> None:
        gateway = make.gateway()

        with pytest.raises(RuntimeError, match="inside the transaction of its change"):
            record_event(
                gateway=gateway, kind=EventType.ORDER_PLACED, subject="x", sequence=1, payload=PAYLOAD, now=now
            )

        assert not Event.objects.exists()
