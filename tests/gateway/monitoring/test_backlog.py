"""Pending work and its age. Work that is not due, or whose endpoint is disabled, is not pending."""

from datetime import datetime, timedelta

import pytest
from django.db.models import QuerySet
from pytest_django.fixtures import DjangoAssertNumQueries

from gateway.models import Gateway
from gateway.monitoring.backlog import Backlog, backlogs
from gateway.monitoring.contributions import queues
from gateway.queue.enqueue import TaskName
from tests import make
from tests.gateway.owing import gateway_with_endpoint, record
from transactions.models import Batch
from webhooks.models import Delivery, Endpoint

NONE = timedelta(0)


@pytest.fixture
def gateway(still: None, instruments: None, now: datetime) -> Gateway:
    """A partner with an endpoint and no pending delivery."""
    return gateway_with_endpoint(now=now)


def of(kind: TaskName, *, at: datetime) -> Backlog:
    return next(backlog for backlog in backlogs(now=at) if backlog.kind is kind)


def deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.order_by("pk")


class TestBacklogs:
    def test_are_empty_where_nothing_is_owed(self, gateway: Gateway, now: datetime) -> None:
        assert backlogs(now=now) == [Backlog(kind, 0, NONE, NONE) for kind in TaskName]

    def test_know_every_kind_of_work(self) -> None:
        assert [kind for kind, _ in queues()] == list(TaskName)

    def test_count_a_batch_and_say_since_when(self, gateway: Gateway, now: datetime) -> None:
        make.queued_batch(gateway=gateway, now=now)

        minute = timedelta(minutes=1)
        assert of(TaskName.PLACE_BATCHES, at=now + minute) == Backlog(TaskName.PLACE_BATCHES, 1, minute, minute)

    def test_leave_a_row_attended_that_is_offered_or_worked_on(self, gateway: Gateway, now: datetime) -> None:
        make.queued_batch(gateway=gateway, now=now)
        Batch.objects.update(leased_until=now + timedelta(minutes=5))

        minute = timedelta(minutes=1)
        assert of(TaskName.PLACE_BATCHES, at=now + minute) == Backlog(TaskName.PLACE_BATCHES, 1, minute, NONE)

    def test_leave_what_waits_attended_while_a_worker_is_at_another(self, gateway: Gateway, now: datetime) -> None:
        first, second = (make.queued_batch(gateway=gateway, client_id=name, now=now) for name in ("one", "two"))
        Batch.objects.filter(pk=first.pk).update(leased_until=now + timedelta(minutes=5))

        minute = timedelta(minutes=1)
        assert of(TaskName.PLACE_BATCHES, at=now + minute) == Backlog(TaskName.PLACE_BATCHES, 2, minute, NONE)
        assert Batch.objects.get(pk=second.pk).leased_until == now

    def test_pass_over_what_is_not_due_yet(self, gateway: Gateway, now: datetime) -> None:
        make.queued_batch(gateway=gateway, now=now)
        Batch.objects.update(due_at=now + timedelta(seconds=1))

        assert of(TaskName.PLACE_BATCHES, at=now).rows == 0

    def test_count_of_a_batch_only_the_delivery_whose_turn_it_is(self, gateway: Gateway, now: datetime) -> None:
        record(gateway, events=3, now=now)

        assert (deliveries().count(), of(TaskName.DELIVER, at=now).rows) == (3, 1)

    def test_pass_over_a_disabled_endpoint(self, gateway: Gateway, now: datetime) -> None:
        record(gateway, events=1, now=now)
        Endpoint.objects.update(is_enabled=False, disabled_at=now, disabled_reason="Asked to.")

        assert of(TaskName.DELIVER, at=now + timedelta(hours=1)) == Backlog(TaskName.DELIVER, 0, NONE, NONE)

    @pytest.mark.parametrize("batches", [0, 3])
    def test_take_a_statement_each_whatever_there_is(
        self, gateway: Gateway, now: datetime, batches: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(batches):
            make.queued_batch(gateway=gateway, now=now)

        with django_assert_num_queries(7):
            backlogs(now=now)
