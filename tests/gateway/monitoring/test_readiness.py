"""Not ready, and why: one sentence for each cause, none of which tells an outsider where anything is."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from gateway.monitoring import readiness
from gateway.queue.enqueue import TaskName, enqueue
from tests import make
from transactions.models import Batch


class TestOfTheDatabase:
    def test_has_nothing_to_say_of_one_that_is_as_it_should_be(self, instruments: None) -> None:
        assert readiness.of_the_database() == []

    def test_names_the_migrations_that_it_lacks(self, instruments: None) -> None:
        (newest,) = MigrationLoader(connection).graph.leaf_nodes("transactions")
        MigrationRecorder(connection).record_unapplied(*newest)

        assert readiness.of_the_database() == [
            f"The database lacks migrations: transactions.{newest[1]}. Run `manage.py migrate`."
        ]

    def test_misses_the_instruments(self, db: None) -> None:
        assert readiness.of_the_database() == [
            "No instruments are loaded, so every basket is refused: run `manage.py load_instruments`."
        ]

    def test_names_the_kind_of_work_that_nobody_comes_for(self, instruments: None, still: None, now: datetime) -> None:
        make.queued_batch(gateway=make.gateway(), now=now)
        Batch.objects.update(due_at=now - timedelta(seconds=100), leased_until=now - timedelta(seconds=95))

        assert readiness.of_the_database() == [
            "No worker has taken place_batches for 95 s: start a worker and the beat."
        ]

    def test_bears_a_minute(self, instruments: None, still: None, now: datetime) -> None:
        make.queued_batch(gateway=make.gateway(), now=now)
        Batch.objects.update(due_at=now - timedelta(seconds=60), leased_until=now - timedelta(seconds=60))

        assert readiness.of_the_database() == []


class TestOfTheQueue:
    def test_bears_as_many_bells_as_the_setting_says(
        self, settings: Any, db: None, empty_queue: None, django_capture_on_commit_callbacks: Any
    ) -> None:
        settings.READY_QUEUE_DEPTH = 1
        with django_capture_on_commit_callbacks(execute=True):
            enqueue(TaskName.SEND_REBALANCE_NOTICE, row=1, attempt=0)
        borne = readiness.of_the_queue()
        with django_capture_on_commit_callbacks(execute=True):
            enqueue(TaskName.SEND_REBALANCE_NOTICE, row=1, attempt=0)

        assert (borne, readiness.of_the_queue()) == (
            [],
            ["2 wake-up messages wait in the queue, more than 1: start more workers."],
        )


@pytest.mark.usefixtures("transactional_db")
class TestProblems:
    def test_are_none_where_all_is_well(self, instruments: None) -> None:
        assert readiness.problems() == []

    def test_are_told_together(self, settings: Any) -> None:
        settings.EMBEDDED, settings.READY_FREE_MEGABYTES = True, 10**9
        current_app.conf.update(broker_url="redis://127.0.0.1:1/0")

        disk, database, queue = readiness.problems()

        assert disk.startswith("The disk of VAR_DIR has ")
        assert disk.endswith(" MB left, less than 1000000000: free some space.")
        assert database.startswith("No instruments are loaded")
        assert queue == "The queue's broker does not answer in time."

    def test_pass_over_the_disk_in_production(self, settings: Any, instruments: None) -> None:
        settings.EMBEDDED, settings.READY_FREE_MEGABYTES = False, 10**9

        assert readiness.problems() == []
