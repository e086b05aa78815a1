from collections.abc import Mapping
from datetime import datetime

import pytest
from django.db.transaction import atomic

from gateway.models import Gateway
from tests import make
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events
from webhooks.models import Delivery, Event

KIND = EventType.ACTION_PENDING


def record_bulk(gateway: Gateway, now: datetime, payloads: Mapping[str, Mapping[str, int]]) -> None:
    drafts = (
        EventDraft(gateway=gateway, kind=KIND, subject=subject, payload=payload, now=now)
        for subject, payload in payloads.items()
    )
    record_events(*drafts, is_bulk=True)


@pytest.mark.django_db
class TestRecordEvents:
    def test_counts_on_from_each_subjects_last_event(self, now: datetime) -> None:
        here, elsewhere = make.gateway(), make.gateway()
        with atomic():
            for sequence in (1, 2):
                record_events(EventDraft(gateway=here, kind=KIND, subject="a", sequence=sequence, payload={}, now=now))
            record_events(EventDraft(gateway=elsewhere, kind=KIND, subject="b", sequence=7, payload={}, now=now))

            record_bulk(here, now, {"a": {"n": 1}, "b": {"n": 2}})

        newest = Event.objects.filter(gateway=here).order_by("-pk")[:2].values_list("subject", "sequence", "payload")
        assert list(newest) == [("b", 1, {"n": 2}), ("a", 3, {"n": 1})]
        assert len(set(Event.objects.values_list("key", flat=True))) == 5

    def test_owes_each_to_each_endpoint_that_listens(self, now: datetime) -> None:
        here = make.gateway()
        endpoints = [add_endpoint(gateway=here, url=f"http://127.0.0.1:9/{n}", now=now).endpoint for n in range(3)]
        for endpoint in endpoints[:2]:
            endpoint.types = [KIND.value]
            endpoint.save()

        with atomic():
            record_bulk(here, now, {"a": {}, "b": {}})

        owed = Delivery.objects.order_by("pk").values_list("event__subject", "endpoint", "due_at", "is_bulk")
        assert list(owed) == [(subject, one.pk, now, True) for subject in "ab" for one in endpoints[:2]]

    def test_of_nothing_is_nothing(self, now: datetime) -> None:
        with atomic():
            record_bulk(make.gateway(), now, {})

        assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_is_refused(now: datetime) -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        record_bulk(make.gateway(), now, {"a": {}})
