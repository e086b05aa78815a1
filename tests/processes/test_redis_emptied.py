"""Redis holds hints only: emptied or gone, it costs seconds, never an order or a webhook."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.processes.records import check_everything, wait_until_settled
from tests.processes.stack import Stack
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.receiver import Receiver

pytestmark = pytest.mark.servers

# The sandbox's `complete` waits this long for the worker to place, whatever Redis does.
WAITS_FOR_PLACING = 2.0


@pytest.fixture(scope="module")
def heard() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def partner(running: Stack, heard: Receiver) -> DistantPartner:
    return running.partner("redis", webhook_url=heard.url)


@pytest.fixture(scope="module")
def played() -> list[str]:
    """The ids of all transactions so far."""
    return []


def play(partner: DistantPartner, times: int) -> list[str]:
    with ThreadPoolExecutor(6) as users:
        return list(users.map(partner.play, ["happy", "partial", "partly-placed"] * (times // 3)))


def seconds_of(partner: DistantPartner) -> tuple[str, float]:
    """A transaction confirmed, and how long that took."""
    transaction_id = partner.create()
    began = time.monotonic()
    assert partner.complete(transaction_id).status == 200
    return transaction_id, time.monotonic() - began


class TestRedisEmptied:
    def test_with_every_bell_in_it(
        self, running: Stack, partner: DistantPartner, heard: Receiver, played: list[str]
    ) -> None:
        running.kill("worker")
        played += play(partner, 6)
        running.empty_queue()
        running.start("worker")

        took = wait_until_settled(running)

        print(f"Settled {took:.1f} s after the worker's start, without a message.")
        check_everything(running, played, heard.hits)

    def test_again_and_again_in_the_middle(
        self, running: Stack, partner: DistantPartner, heard: Receiver, played: list[str]
    ) -> None:
        with ThreadPoolExecutor(1) as users:
            playing = users.submit(play, partner, 30)
            for _ in range(10):
                running.empty_queue()
                time.sleep(0.2)
            played += playing.result()

        took = wait_until_settled(running)

        print(f"Settled {took:.1f} s after the last confirmation.")
        check_everything(running, played, heard.hits)


class TestRedisStopped:
    def test_keeps_no_user_waiting_and_loses_nothing(
        self, running: Stack, partner: DistantPartner, heard: Receiver, played: list[str]
    ) -> None:
        warm, usual = seconds_of(partner)
        running.queue.stop()
        without = [seconds_of(partner) for _ in range(3)]
        health = [requests.get(f"{running.base}/{page}", timeout=10).status_code for page in ("healthz", "readyz")]
        running.queue.start()

        took = wait_until_settled(running)

        waits = [seconds for _, seconds in without]
        print(f"A confirmation took {usual:.2f} s; without Redis {waits}; settled {took:.1f} s after its return.")
        assert max(waits) < WAITS_FOR_PLACING + 2
        assert health == [200, 503]
        played += [warm, *(transaction_id for transaction_id, _ in without)]
        check_everything(running, played, heard.hits)

    def test_leaves_a_worker_that_hears_bells_again(self, running: Stack, partner: DistantPartner) -> None:
        """The worker of the test above lives; the first message goes to a broken connection, the next arrive."""
        until(running.listens, what="a worker that listens to the queue")

        took = min(seconds_of(partner)[1] for _ in range(3))

        print(f"Afterwards {took:.2f} s.")
        assert took < WAITS_FOR_PLACING
