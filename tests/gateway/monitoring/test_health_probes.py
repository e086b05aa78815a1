import threading

import pytest
from celery import current_app
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from gateway.monitoring import health_probes
from gateway.queue.enqueue import QueueDown, TaskName


def on_a_thread(ask: object) -> object:
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(health_probes.on_a_connection_of_its_own(ask)()))  # type: ignore[arg-type]
    thread.start()
    thread.join()
    return answers[0]


class TestOnAConnectionOfItsOwn:
    def test_limits_each_statement_where_the_server_can(self, transactional_db: None, embedded: bool) -> None:
        def limit() -> str:
            with connection.cursor() as cursor:
                cursor.execute("SELECT '0'" if embedded else "SHOW statement_timeout")
                return str(cursor.fetchone()[0])

        assert on_a_thread(limit) == ("0" if embedded else "2s")


class TestUnappliedMigrations:
    def test_are_none_where_all_are_applied(self, db: None) -> None:
        assert health_probes.unapplied_migrations() == []

    def test_are_named_in_the_order_they_must_come(self, db: None) -> None:
        last = MigrationLoader(connection).graph.leaf_nodes("webhooks")[0]
        MigrationRecorder(connection).record_unapplied(*last)

        assert health_probes.unapplied_migrations()[0] == ".".join(last)


class TestQueueDepth:
    def test_counts_bells_that_nobody_has_heard(self, empty_queue: None) -> None:
        nothing = health_probes.queue_depth()
        current_app.signature(TaskName.DELIVER.value).apply_async()

        assert (nothing, health_probes.queue_depth()) == (0, 1)

    def test_is_a_refusal_where_nobody_listens(self) -> None:
        current_app.conf.update(broker_url="redis://127.0.0.1:1/0")

        with pytest.raises(QueueDown):
            health_probes.queue_depth()
