"""Leased work, with deliveries as the example: due by the gateway's clock, leased in real time."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from celery import current_app
from pytest_django import DjangoCaptureOnCommitCallbacks

from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import leases
from gateway.queue.enqueue import TaskName
from tests import make
from webhooks.events.event_types import EventType
from webhooks.models import Delivery, Endpoint, Event

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
ROWS = Delivery.objects.all()
Messages = list[tuple[int, int]]


@pytest.fixture
def gateway(db: None, still: None) -> Gateway:
    return make.gateway()


def owed(gateway: Gateway, due_at: datetime | None, *, leased_until: datetime) -> Delivery:
    endpoint, _ = Endpoint.objects.get_or_create(
        gateway=gateway, url="https://partner.example/", defaults={"encrypted_secret": "x", "created_at": leased_until}
    )
    number = Event.objects.count()
    event = Event.objects.create(
        gateway=gateway,
        key=f"evt_{number}",
        type=EventType.ORDER_PLACED.value,
        subject="s",
        sequence=number,
        payload={},
        created_at=leased_until,
    )
    return Delivery.objects.create(
        gateway=gateway,
        event=event,
        endpoint=endpoint,
        due_at=due_at,
        leased_until=leased_until,
        status="DUE" if due_at else "DELIVERED",
    )


@pytest.fixture
def dispatched(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> Callable[[], Messages]:
    """Dispatches what is due; returns the messages that were sent, and empties the queue."""

    def dispatch() -> Messages:
        with django_capture_on_commit_callbacks() as messages:
            count = leases.dispatch_due(Delivery.objects.all(), TaskName.SEND_REBALANCE_NOTICE)
        assert len(messages) == count
        return list(
            Delivery.objects.filter(leased_until=clock.wall() + leases.REDISPATCH_AFTER)
            .order_by("pk")
            .values_list("pk", "attempts")
        )

    return dispatch


class TestClaim:
    def test_is_granted_once(self, gateway: Gateway, now: datetime) -> None:
        row = owed(gateway, now, leased_until=now)

        assert [leases.acquire(Delivery.objects.all(), row=row.pk, attempt=0, lease=HOUR) for _ in range(2)] == [
            True,
            False,
        ]
        row.refresh_from_db()
        assert (row.attempts, row.leased_until, row.due_at) == (1, now + HOUR, now)

    @pytest.mark.parametrize("attempt", [-1, 1, 2])
    def test_is_not_granted_to_a_stale_bell(self, gateway: Gateway, now: datetime, attempt: int) -> None:
        row = owed(gateway, now, leased_until=now)

        assert not leases.acquire(Delivery.objects.all(), row=row.pk, attempt=attempt, lease=HOUR)
        row.refresh_from_db()
        assert (row.attempts, row.leased_until) == (0, now)

    def test_is_not_granted_for_what_is_no_longer_owed(self, gateway: Gateway, now: datetime) -> None:
        row = owed(gateway, None, leased_until=now)

        assert not leases.acquire(Delivery.objects.all(), row=row.pk, attempt=0, lease=HOUR)

    def test_is_not_granted_outside_the_given_rows(self, gateway: Gateway, now: datetime) -> None:
        row = owed(gateway, now, leased_until=now)

        assert not leases.acquire(ROWS.exclude(pk=row.pk), row=row.pk, attempt=0, lease=HOUR)


class TestMine:
    def test_is_the_row_until_another_claims_it(self, gateway: Gateway, now: datetime) -> None:
        row = owed(gateway, now, leased_until=now)
        assert leases.mine(ROWS, row).count() == 1

        leases.acquire(Delivery.objects.all(), row=row.pk, attempt=0, lease=HOUR)

        assert leases.mine(ROWS, row).count() == 0


class TestOfferDue:
    def test_rings_for_what_is_due_and_unleased(
        self, gateway: Gateway, now: datetime, dispatched: Callable[[], Messages]
    ) -> None:
        due = owed(gateway, now, leased_until=now)
        owed(gateway, now + SECOND, leased_until=now)
        owed(gateway, now, leased_until=now + SECOND)
        owed(gateway, None, leased_until=now)

        assert dispatched() == [(due.pk, 0)]

    def test_does_not_ring_again_while_the_bell_may_be_answered(self, gateway: Gateway, now: datetime) -> None:
        owed(gateway, now, leased_until=now)

        assert [leases.dispatch_due(ROWS, TaskName.SEND_REBALANCE_NOTICE) for _ in range(2)] == [1, 0]

    def test_goes_by_each_gateways_own_clock(
        self, gateway: Gateway, now: datetime, dispatched: Callable[[], Messages]
    ) -> None:
        ahead = make.gateway()
        clock.advance(ahead, by=HOUR)
        owed(gateway, now + HOUR, leased_until=now)
        due = owed(ahead, now + HOUR, leased_until=now)
        owed(ahead, now + HOUR + SECOND, leased_until=now)

        assert dispatched() == [(due.pk, 0)]

    def test_goes_by_the_wall_for_leases(self, gateway: Gateway, now: datetime) -> None:
        owed(gateway, now, leased_until=now + SECOND)
        clock.advance(gateway, by=HOUR)

        assert leases.dispatch_due(ROWS, TaskName.SEND_REBALANCE_NOTICE) == 0

    def test_rings_at_most_so_often_and_for_the_longest_due_first(self, gateway: Gateway, now: datetime) -> None:
        late, later = owed(gateway, now - SECOND, leased_until=now), owed(gateway, now - HOUR, leased_until=now)

        assert leases.dispatch_due(ROWS, TaskName.SEND_REBALANCE_NOTICE, limit=1) == 1
        late.refresh_from_db()
        later.refresh_from_db()
        assert (late.leased_until, later.leased_until) == (now, now + leases.REDISPATCH_AFTER)

    def test_lengthens_no_queue_that_is_long(
        self, gateway: Gateway, now: datetime, empty_queue: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leases, "FEW", 2)
        for _ in range(4):
            owed(gateway, now, leased_until=now)
        for _ in range(3):
            current_app.signature(TaskName.SEND_REBALANCE_NOTICE.value, kwargs={"row": 1, "attempt": 0}).apply_async()

        assert [leases.dispatch_due(ROWS, TaskName.SEND_REBALANCE_NOTICE, limit=limit) for limit in (3, 5)] == [0, 2]
        assert ROWS.filter(leased_until=now).count() == 2

    def test_rings_where_the_queue_says_nothing(
        self, gateway: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leases, "FEW", 0)
        current_app.conf.update(broker_url="redis://127.0.0.1:1/0")
        owed(gateway, now, leased_until=now)

        assert leases.dispatch_due(ROWS, TaskName.SEND_REBALANCE_NOTICE) == 1
