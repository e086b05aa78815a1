"""Pages of events by where their deliveries stand."""

import re
from datetime import datetime
from typing import Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gateway.models import Gateway
from tests import make
from tests.webhooks import ledger
from webhooks.events.event_types import EventType
from webhooks.events.selectors import RequestedEvents, events_page, row_of
from webhooks.models import Delivery, DeliveryStatus

LOST: Final = RequestedEvents(status=DeliveryStatus.GIVEN_UP, count=2)
# As a year leaves them: very many went well, and what was lost is old.
MANY: Final = 5_000
OLD: Final = 1_000
FILL: Final = f"""
INSERT INTO webhooks_event (gateway_id, key, type, subject, sequence, payload, transaction_id, auth_id, request_id,
    created_at)
SELECT gateway_id, 'evt_' || n, type, subject, 1 + n, payload, '', auth_id, '', created_at
FROM webhooks_event, generate_series(1, {MANY}) n;
INSERT INTO webhooks_delivery (gateway_id, event_id, endpoint_id, status, is_bulk, failures, settled_at, leased_until,
    attempts)
SELECT e.gateway_id, e.id, p.id, CASE WHEN e.sequence <= {OLD} THEN 'GIVEN_UP' ELSE 'DELIVERED' END, false, 0, now(),
    now(), 1 FROM webhooks_event e, webhooks_endpoint p WHERE e.sequence > 1;
ANALYZE webhooks_event; ANALYZE webhooks_delivery;
"""


@pytest.fixture
def here(db: None) -> Gateway:
    return make.gateway()


def sequences(gateway: Gateway, wanted: RequestedEvents = LOST, *, auth_id: str = "") -> list[int]:
    return [event.sequence for event in events_page(gateway, wanted, auth_id=auth_id).events]


class TestEventsThatWereGivenUp:
    def test_stand_once_however_many_endpoints_missed_them(self, here: Gateway, now: datetime) -> None:
        for name in ("a", "b", "c"):
            ledger.endpoint(here, name)
        ledger.events(here, now, 3)
        ledger.settled("GIVEN_UP", now)

        page = events_page(here, LOST)

        assert [event.sequence for event in page.events] == [3, 2]
        assert page.cursor is not None
        rest = events_page(here, RequestedEvents(status=DeliveryStatus.GIVEN_UP, count=2, before=row_of(page.cursor)))
        assert ([event.sequence for event in rest.events], rest.cursor) == ([1], None)

    def test_are_this_gateways_of_this_kind_and_user(self, here: Gateway, now: datetime) -> None:
        elsewhere = make.gateway()
        for gateway in (here, elsewhere):
            ledger.endpoint(gateway)
        ledger.event(here, now, sequence=1, auth_id="c" * 24)
        ledger.event(here, now, sequence=2)
        ledger.event(here, now, sequence=3, kind=EventType.ORDER_COMPLETED)
        ledger.event(elsewhere, now, sequence=4)
        ledger.settled("GIVEN_UP", now)
        updated = RequestedEvents(status=DeliveryStatus.GIVEN_UP, kind=EventType.ORDER_UPDATED)

        assert sequences(here, updated) == [2, 1]
        assert sequences(here, updated, auth_id=ledger.AUTH_ID) == [2]

    def test_are_not_those_that_arrived(self, here: Gateway, now: datetime) -> None:
        ledger.endpoint(here)
        ledger.events(here, now, 3)
        ledger.settled("DELIVERED", now)
        Delivery.objects.filter(event__sequence=2).update(status="GIVEN_UP")

        assert sequences(here) == [2]

    @pytest.mark.servers
    def test_are_found_without_a_walk_through_all_that_came_later(self, here: Gateway, now: datetime) -> None:
        ledger.event(here, now)
        ledger.endpoint(here)
        with connection.cursor() as cursor:
            cursor.execute(FILL)

        with CaptureQueriesContext(connection) as asked:
            assert sequences(here) == [OLD, OLD - 1]

        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF) {asked[0]['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        steps = re.findall(r"actual rows=([\d.]+) loops=(\d+)", plan)
        rows_by_step = [float(rows) * int(loops) for rows, loops in steps]
        assert max(rows_by_step) == LOST.count + 1


def test_a_page_of_what_is_not_settled_begins_with_the_newest(here: Gateway, now: datetime) -> None:
    ledger.endpoint(here)
    ledger.events(here, now, 3)

    assert sequences(here, RequestedEvents(status=DeliveryStatus.DUE, count=2)) == [3, 2]
