"""Whatever moment a worker dies at, nothing is lost and nothing is placed twice."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.processes.records import check_everything, wait_until_settled
from tests.processes.stack import Stack
from tests.receiver import Hit, Receiver

pytestmark = pytest.mark.servers

PERSONAS = ("happy", "partial", "partly-placed", "one-rejected", "unmatched")
TRANSACTIONS = 30
KILLS = 5
SEED = 20261120


def answer_slowly(hit: Hit) -> int:
    """So that a kill finds deliveries on their way."""
    time.sleep(0.03)
    return 200


def kill_again_and_again(stack: Stack) -> int:
    """Every life lasts a moment; how many rows were interrupted. The last ones stay."""
    moments, interrupted = random.Random(SEED), 0
    for _ in range(KILLS):
        time.sleep(moments.uniform(0.02, 0.8))
        stack.kill("worker")
        stack.kill("dispatcher")
        interrupted += stack.interrupted()
        stack.lapse()
        stack.revive()
    return interrupted


class TestAWorkerKilledAtRandom:
    def test_loses_nothing_and_places_nothing_twice(self, running: Stack) -> None:
        with Receiver(answer_slowly) as receiver, ThreadPoolExecutor(6) as users:
            partner = running.partner("random", webhook_url=receiver.url)
            played = [users.submit(partner.play, client_id(number)) for number in range(TRANSACTIONS)]
            interrupted = kill_again_and_again(running)
            transaction_ids = [one.result() for one in played]
            waited = wait_until_settled(running, seconds=100)
            hits = list(receiver.hits)

        print(f"{KILLS} kills interrupted {interrupted} rows; settled {waited:.1f} s later; {len(hits)} webhooks")
        assert interrupted
        check_everything(running, transaction_ids, hits)


def client_id(number: int) -> str:
    """Three accounts for each persona, so that transactions meet in an account."""
    return f"{PERSONAS[number % len(PERSONAS)]}-{number % 3}"
