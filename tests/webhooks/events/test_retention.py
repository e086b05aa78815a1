"""Old events are deleted, except pending events and the last event of each sequence."""

from datetime import datetime, timedelta

import pytest
from django.db.transaction import atomic

from gateway.models import Gateway
from tests import make
from tests.webhooks.owing import owe
from webhooks.delivery.client import EndpointResponse
from webhooks.delivery.dispatcher import take
from webhooks.delivery.endpoints import add_endpoint
from webhooks.delivery.record_attempts import FinishedAttempt, settle
from webhooks.events import retention
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events
from webhooks.events.retention import forget_old
from webhooks.models import Attempt, Delivery, Event

KEEP = timedelta(days=90)


@pytest.fixture
def gateway(db: None, still: None, now: datetime) -> Gateway:
    made = make.gateway()
    add_endpoint(gateway=made, url="https://partner.example/hooks", now=now)
    return made


def delivered(gateway: Gateway, at: datetime, *, sequence: int = 1, subject: str = "b" * 24) -> Event:
    """And recorded `at` that time."""
    owed = owe(gateway, at, sequence=sequence, subject=subject)
    Delivery.objects.filter(pk=owed.pk).update(leased_until=at - KEEP)
    (taken,) = take()
    settle([FinishedAttempt(taken, at, EndpointResponse(200, 5))])
    return owed.event


def pending(gateway: Gateway, at: datetime) -> None:
    with atomic():
        draft = EventDraft(gateway=gateway, kind=EventType.ACTION_PENDING, subject="iscid", payload={}, now=at)
        record_events(draft, is_bulk=True)


def sequences() -> list[int]:
    return list(Event.objects.order_by("pk").values_list("sequence", flat=True))


class TestForgetOld:
    def test_takes_deliveries_and_attempts_along(self, gateway: Gateway, now: datetime) -> None:
        delivered(gateway, now - KEEP - timedelta(seconds=1))

        assert forget_old(keep=KEEP) == 1
        assert [model.objects.count() for model in (Event, Delivery, Attempt)] == [0, 0, 0]

    def test_leaves_what_is_young_enough(self, gateway: Gateway, now: datetime) -> None:
        delivered(gateway, now - KEEP)

        assert (forget_old(keep=KEEP), Attempt.objects.count()) == (0, 1)

    def test_leaves_what_is_owed(self, gateway: Gateway, now: datetime) -> None:
        owe(gateway, now - KEEP * 2)

        assert (forget_old(keep=KEEP), Delivery.objects.count()) == (0, 1)

    def test_goes_by_each_gateways_clock(self, gateway: Gateway, now: datetime) -> None:
        other = make.gateway()
        add_endpoint(gateway=other, url="https://other.example/hooks", now=now)
        delivered(gateway, now)
        kept = delivered(other, now)
        make.later(gateway, days=91)

        assert forget_old(keep=KEEP) == 1
        assert Event.objects.get() == kept

    def test_keeps_the_last_of_what_is_counted_on_from(self, gateway: Gateway, now: datetime) -> None:
        for _ in range(3):
            pending(gateway, now - KEEP * 2)

        forgotten = [forget_old(keep=KEEP) for _ in range(2)]
        pending(gateway, now)

        assert forgotten == [2, 0]
        assert sequences() == [3, 4]

    def test_goes_on_chunk_after_chunk(self, gateway: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retention, "CHUNK", 2)
        for n in range(5):
            delivered(gateway, now - KEEP * 2, subject=str(n))

        assert forget_old(keep=KEEP) == 5
