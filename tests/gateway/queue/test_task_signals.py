"""The headers of a task, the context around it, and its metrics and log lines."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from celery import current_app, shared_task
from kombu import Connection

from gateway.queue.task_signals import HEADER
from gateway.telemetry import request_id
from tests.counts import counted
from transactions.tasks import place_batches, sync_batches
from webhooks.tasks import deliver_due


@shared_task(name="tests.who_asked")
def who_asked() -> str:
    return request_id.current()


@shared_task(name="tests.fails")
def fails() -> None:
    raise ValueError("no")


@shared_task(name="sweep_tests")
def sweep_tests(found: int) -> int:
    return found


@pytest.fixture
def at_once() -> Iterator[None]:
    """In this process, as part of whatever asks."""
    before = {name: current_app.conf[name] for name in ("task_always_eager", "task_eager_propagates")}
    current_app.conf.update(task_always_eager=True, task_eager_propagates=False)
    yield
    current_app.conf.update(before)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "gateway.tasks")
    return caplog


def sent() -> dict[str, object]:
    """The headers of the message that waits in the queue."""
    with Connection("memory://") as connection:
        message = connection.SimpleQueue("gateway").get(block=False)
        message.ack()
        return dict(message.headers)


class TestSending:
    def test_carries_the_id_of_the_request_that_rang(self, empty_queue: None) -> None:
        with request_id.bound("12345678"):
            who_asked.delay()

        assert sent()[HEADER] == "12345678"

    def test_carries_none_where_nobody_asked(self, empty_queue: None) -> None:
        who_asked.delay()

        assert HEADER not in sent()


@pytest.mark.usefixtures("at_once")
class TestATask:
    def test_run_in_the_request_itself_is_done_for_it(self) -> None:
        with request_id.bound("12345678"):
            assert who_asked.apply().get() == "12345678"

    def test_that_nobody_asked_for_begins_a_new_id_each_time(self) -> None:
        first, second = who_asked.apply().get(), who_asked.apply().get()

        assert (len(first), len(second), first == second, request_id.current()) == (16, 16, False, "")

    def test_is_a_line_and_a_count(self, lines: pytest.LogCaptureFixture) -> None:
        before = counted("gateway_task_seconds_count", name="tests.who_asked", outcome="succeeded")

        who_asked.apply()

        (told,) = lines.records
        assert (told.levelname, vars(told)["outcome"]) == ("INFO", "succeeded")
        assert told.getMessage().startswith("tests.who_asked succeeded in ")
        assert counted("gateway_task_seconds_count", name="tests.who_asked", outcome="succeeded") == before + 1

    def test_that_failed_is_told_as_such(self, lines: pytest.LogCaptureFixture) -> None:
        before = counted("gateway_task_seconds_count", name="tests.fails", outcome="failed")

        fails.apply()

        assert [vars(r)["outcome"] for r in lines.records if r.name == "gateway.tasks"] == ["failed"]
        assert counted("gateway_task_seconds_count", name="tests.fails", outcome="failed") == before + 1

    @pytest.mark.parametrize(("found", "level"), [(0, "DEBUG"), (3, "INFO")])
    def test_that_swept_and_found_nothing_is_no_news(
        self, lines: pytest.LogCaptureFixture, found: int, level: str
    ) -> None:
        sweep_tests.apply(args=(found,))

        assert [record.levelname for record in lines.records] == [level]

    @pytest.mark.django_db
    @pytest.mark.parametrize("task", [place_batches, sync_batches, deliver_due])
    def test_that_looked_for_work_in_vain_is_no_news(self, lines: pytest.LogCaptureFixture, task: Any) -> None:
        task.apply()

        assert [record.levelname for record in lines.records if record.name == "gateway.tasks"] == ["DEBUG"]
