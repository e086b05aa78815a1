"""Processes that share a limit: each counts those that work now."""

from datetime import datetime, timedelta

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from gateway.models import WorkerProcess
from gateway.queue.worker_processes import BEAT, GONE_AFTER, WorkerProcesses

pytestmark = pytest.mark.django_db


def beat(now: datetime, *processes: WorkerProcesses) -> None:
    for _ in range(2):  # the first counts those that come after it the next time
        now += BEAT
        for one in processes:
            one.beat(now=now)


class TestShares:
    @pytest.mark.parametrize(("number", "share"), [(1, 100), (2, 50), (3, 33)])
    def test_are_the_limit_together_and_no_more(self, now: datetime, number: int, share: int) -> None:
        processes = [WorkerProcesses() for _ in range(number)]

        beat(now, *processes)

        assert [one.share_of(100) for one in processes] == [share] * number

    def test_are_never_nothing(self, now: datetime) -> None:
        processes = [WorkerProcesses() for _ in range(5)]

        beat(now, *processes)

        assert {one.share_of(3) for one in processes} == {1}

    def test_grow_when_a_process_ends(self, now: datetime) -> None:
        ending, living = WorkerProcesses(), WorkerProcesses()
        beat(now, ending, living)

        living.beat(now=now + GONE_AFTER + 3 * BEAT)

        assert (living.share_of(100), WorkerProcess.objects.count()) == (100, 1)

    def test_cost_nothing_between_two_beats(
        self, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        mine = WorkerProcesses()
        mine.beat(now=now)

        with django_assert_num_queries(0):
            mine.beat(now=now + BEAT - timedelta(milliseconds=1))

    def test_are_counted_again_after_the_clock_was_set_back(self, now: datetime) -> None:
        mine = WorkerProcesses()
        mine.beat(now=now)

        mine.beat(now=now - timedelta(hours=1))

        assert mine.beat_at == now - timedelta(hours=1)
