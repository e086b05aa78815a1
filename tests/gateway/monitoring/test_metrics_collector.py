"""What a scrape looks up: a bounded number of statements, and an answer whatever is down."""

from datetime import datetime

import pytest
from celery import current_app
from pytest_django.fixtures import DjangoAssertNumQueries

from gateway.monitoring import metrics_collector
from gateway.queue.enqueue import TaskName
from tests import make
from tests.gateway.owing import gateway_with_endpoint, record
from transactions.models import Batch, Order
from webhooks.models import Endpoint


def looked_up() -> dict[tuple[str, ...], float]:
    """By name and labels."""
    samples = [sample for family in metrics_collector.LookedUp().collect() for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


class TestOwed:
    @pytest.mark.parametrize("events", [0, 20])
    def test_takes_ten_statements_whatever_there_is(
        self,
        instruments: None,
        still: None,
        now: datetime,
        events: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        record(gateway_with_endpoint(now=now), events=events, now=now)

        with django_assert_num_queries(10):
            metrics_collector.owed()


@pytest.mark.usefixtures("transactional_db", "instruments", "empty_queue")
class TestLookedUp:
    def test_tells_what_is_owed_lost_and_disabled(self, now: datetime) -> None:
        batch = make.queued_batch(gateway=gateway_with_endpoint(now=now), now=now)
        waiting = 1
        Batch.objects.update(due_at=now)
        Order.objects.filter(batch=batch, position=0).update(status="ERROR")
        Endpoint.objects.update(is_enabled=False, disabled_at=now, disabled_reason="Asked to.")

        told = looked_up()

        assert told.pop(("gateway_oldest_due_seconds", "place_batches")) > 0
        by_kind = [("gateway_due_rows", kind.value) for kind in TaskName]
        by_kind += [
            ("gateway_oldest_due_seconds", kind.value) for kind in TaskName if kind is not TaskName.PLACE_BATCHES
        ]
        assert told == dict.fromkeys(by_kind, 0.0) | {
            ("gateway_due_rows", "place_batches"): 1,
            ("gateway_database_up",): 1,
            ("gateway_queue_up",): 1,
            ("gateway_queue_depth",): waiting,
            ("gateway_orders_in_error",): 1,
            ("gateway_broker_links_down",): 0,
            ("gateway_endpoints_disabled",): 1,
        }

    def test_without_a_queue_says_so_and_tells_the_rest(self) -> None:
        current_app.conf.update(broker_url="redis://127.0.0.1:1/0")

        told = looked_up()

        assert (told[("gateway_queue_up",)], told[("gateway_database_up",)]) == (0, 1)
        assert ("gateway_queue_depth",) not in told
        assert told[("gateway_orders_in_error",)] == 0
