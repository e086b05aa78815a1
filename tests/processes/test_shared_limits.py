"""Web processes count together in Redis; without Redis nobody is counted, and nobody waits."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.api.rate_limits import LEFT_ALONE, PATIENCE
from tests.partner import Answer
from tests.processes import stack
from tests.processes.stack import Stack, create_database
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.servers import Server, free_port, redis_server

pytestmark = pytest.mark.servers

MARKET = "/sandbox/{gateway}/market"


@pytest.fixture(scope="module")
def limited(database_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Thirty requests a day for each gateway."""
    database = create_database(database_server, "limited", like="migrated")
    directory: Path = tmp_path_factory.mktemp("limited")
    with (
        redis_server(own=True) as queue,
        stack.running(
            database=database, queue=queue, port=free_port(), directory=directory, RATE_LIMIT_GATEWAY="30/day"
        ) as started,
    ):
        yield started


def left(answer: Answer) -> str | None:
    return answer.headers.get("ratelimit-remaining")


def timed(partner: DistantPartner, times: int) -> tuple[list[Answer], float]:
    """The answers, and the seconds that the slowest took."""
    answers, slowest = [], 0.0
    for _ in range(times):
        began = time.monotonic()
        answers.append(partner.call("GET", MARKET))
        slowest = max(slowest, time.monotonic() - began)
    return answers, slowest


class TestTwoWebProcesses:
    def test_count_a_gateways_requests_together(self, limited: Stack) -> None:
        partner = limited.partner("counted", webhook_url="http://127.0.0.1:9/")
        elsewhere = replace(partner, base=limited.another_web(free_port()))

        with ThreadPoolExecutor(10) as server:
            calls = [server.submit(one.call, "GET", MARKET) for one in [partner, elsewhere] * 20]
            answers = [call.result() for call in calls]

        assert Counter(answer.status for answer in answers) == {200: 30, 429: 10}
        assert sorted(int(left(answer) or -1) for answer in answers if answer.status == 200) == list(range(30))


class TestWithoutRedis:
    def test_nobody_is_counted_and_nobody_waits(self, limited: Stack) -> None:
        partner = limited.partner("alone", webhook_url="http://127.0.0.1:9/")
        limited.queue.stop()
        answers, slowest = timed(partner, 40)
        limited.queue.start()

        print(f"Redis gone: the slowest of 40 answers took {slowest:.3f} s.")
        assert {(answer.status, left(answer)) for answer in answers} == {(200, None)}
        assert slowest < 1
        until(lambda: left(partner.call("GET", MARKET)) is not None, seconds=LEFT_ALONE + 5, what="counted again")

    def test_that_hangs_one_answer_waits_for_a_moment(self, limited: Stack) -> None:
        partner = limited.partner("hung", webhook_url="http://127.0.0.1:9/")
        with limited.queue.frozen():
            answers, slowest = timed(partner, 40)

        print(f"Redis hung: the slowest of 40 answers took {slowest:.3f} s.")
        assert {(answer.status, left(answer)) for answer in answers} == {(200, None)}
        assert slowest < PATIENCE + 1
        until(lambda: left(partner.call("GET", MARKET)) is not None, seconds=LEFT_ALONE + 5, what="counted again")
        assert limited.processes.log.read_text().count("Rate limits are off") == 2  # once each time
