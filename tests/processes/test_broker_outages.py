"""Brokers that are slow, silent or end their sessions, in front of two worker processes on PostgreSQL.

That two processes trade for one account without selling its shares twice: tests.brokers.simulator.test_two_workers.
"""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.request import urlopen

import pytest

from tests.flows import stage
from tests.processes.stack import Stack
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.receiver import Receiver

pytestmark = pytest.mark.servers
NAMES = 48
FAR_BELOW = [{"ticker": "INFY", "quantity": 1, "type": "BUY", "orderType": "LIMIT", "price": 1000}]


@pytest.fixture(scope="module")
def workers(running: Stack) -> Stack:
    """Two, each with many calls in flight."""
    running.processes.start("another worker", running.command("worker"))
    return running


@pytest.fixture(scope="module")
def partner(workers: Stack) -> Iterator[DistantPartner]:
    with Receiver() as receiver:
        made = workers.partner("brokers", webhook_url=receiver.url)
        stage.pinned(made, "INFY", 1150)
        yield made


@pytest.fixture(autouse=True)
def _no_faults(partner: DistantPartner) -> Iterator[None]:
    yield
    for broker in ("kite", "dhan"):
        assert partner.call("DELETE", f"/sandbox/{{gateway}}/brokers/{broker}/faults").status == 200


def faults(partner: DistantPartner, broker: str = "kite", **verbs: str | None) -> None:
    assert partner.call("PUT", f"/sandbox/{{gateway}}/brokers/{broker}/faults", verbs).status == 200


def confirmed(partner: DistantPartner, client_id: str, securities: Any = stage.THREE_BUYS, **user: Any) -> str:
    transaction_id = partner.create(securities)
    answer = partner.complete(transaction_id, client_id, **user)
    assert answer.status == 200, answer.body
    return transaction_id


def batch_of(partner: DistantPartner, transaction_id: str) -> Any:
    batches = partner.details(transaction_id)["success"]["orderBatches"]
    return batches[0] if batches else {"status": "QUEUED", "orders": []}


def until_completed(partner: DistantPartner, transaction_id: str, *, seconds: float = 30) -> float:
    return until(lambda: batch_of(partner, transaction_id)["status"] == "COMPLETED", seconds=seconds, what="COMPLETED")


class TestASlowBroker:
    def test_has_each_order_once_also_when_a_worker_dies_in_the_middle(
        self, workers: Stack, partner: DistantPartner
    ) -> None:
        tickers = [
            row[0] for row in workers.ask("SELECT symbol FROM brokers_instrument WHERE tradable LIMIT %s", NAMES)
        ]
        faults(partner, place="slow:0.5")
        made = confirmed(partner, "many", [{"ticker": ticker, "quantity": 1, "type": "BUY"} for ticker in tickers])
        until(lambda: workers.ask("SELECT 1 FROM transactions_order WHERE broker_order_id IS NOT NULL"), what="placing")
        workers.kill("worker")
        workers.execute("UPDATE transactions_batch SET leased_until = now() WHERE status != 'COMPLETED'")
        workers.start("worker")

        until_completed(partner, made)

        here = workers.ask("SELECT ref FROM transactions_order")
        at_the_broker = Counter(workers.ask("SELECT ref FROM simulator_simorder"))
        assert (len(here), Counter(here)) == (NAMES, at_the_broker)

    def test_keeps_no_user_of_another_broker_waiting(self, workers: Stack, partner: DistantPartner) -> None:
        faults(partner, place="slow:4", order_book="slow:4")
        with ThreadPoolExecutor(8) as users:
            stuck = list(users.map(lambda number: confirmed(partner, f"stuck-{number}"), range(12)))

        seconds = until_completed(partner, confirmed(partner, "free", broker="dhan"))

        assert seconds < 3.0, seconds
        faults(partner, place=None, order_book=None)
        for one in stuck:
            until_completed(partner, one, seconds=60)

    def test_holds_no_thread_that_the_web_needs(self, workers: Stack, partner: DistantPartner) -> None:
        asked = [partner.create(intent="FETCH_FUNDS", orderConfig={}) for _ in range(16)]
        faults(partner, funds="slow:4")
        with ThreadPoolExecutor(16) as users:
            answers = [users.submit(partner.complete, one, f"funds-{number}") for number, one in enumerate(asked)]
            time.sleep(0.5)
            began = time.monotonic()
            with urlopen(f"{workers.base}/readyz", timeout=10) as ready:
                assert ready.status == 200
            partner.create()
            seconds = time.monotonic() - began

        assert seconds < 2.0, seconds
        told = {one.result().status for one in answers}
        assert told <= {200, 503}
        assert 503 in told


class TestABrokerThatCannotBeReached:
    def test_makes_no_order_error_and_hears_of_a_cancellation_later(
        self, workers: Stack, partner: DistantPartner
    ) -> None:
        made = confirmed(partner, "resting", FAR_BELOW)
        until(lambda: batch_of(partner, made)["status"] == "PLACED", what="PLACED")
        faults(partner, order_book="unreachable", cancel="unreachable")
        partner.advance("PT10M")
        until(
            lambda: workers.ask("SELECT 1 FROM transactions_batch WHERE unreachable_since IS NOT NULL"), what="noticed"
        )
        auth_id = str(partner.details(made)["smallcaseAuthId"])
        target = {"batchId": batch_of(partner, made)["batchId"], "ticker": "INFY"}
        body = {"intent": "CANCEL_ORDER", "orderConfig": target}
        cancel = partner.call("POST", "/gateway/{gateway}/transaction", body, auth_id=auth_id).data["transactionId"]
        assert partner.complete(cancel, "resting").status == 200
        assert batch_of(partner, made)["orders"][0]["status"] == "PLACED"

        faults(partner, order_book=None, cancel=None)
        partner.advance("PT1M")

        until(lambda: batch_of(partner, made)["orders"][0]["status"] == "CANCELLED AMO", what="cancelled")
        assert partner.details(cancel)["status"] == "COMPLETED"


class TestASession:
    def test_that_ends_is_over_with_the_next_login(self, workers: Stack, partner: DistantPartner) -> None:
        partner.hours("closed")
        made = [confirmed(partner, "night", amo=True) for _ in range(2)]
        faults(partner, order_book="session_ended")
        ended = "SELECT 1 FROM transactions_batch WHERE session_ended_at IS NOT NULL"
        partner.advance("PT1M")
        until(lambda: len(workers.ask(ended)) == 2, what="ended")
        faults(partner, order_book=None)
        partner.hours("always")

        connect = partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"}).data["transactionId"]
        assert partner.complete(connect, "night").status == 200

        for one in made:
            until_completed(partner, one)
        assert workers.ask("SELECT count(*) FROM webhooks_event WHERE type = 'broker.session_ended'") == [(1,)]

    def test_has_its_order_book_read_once_for_all_its_batches(self, workers: Stack, partner: DistantPartner) -> None:
        made = [confirmed(partner, "five", FAR_BELOW) for _ in range(5)]
        until(lambda: {batch_of(partner, one)["status"] for one in made} == {"PLACED"}, what="PLACED")
        before, began = leases_of(workers), time.monotonic()
        time.sleep(4)
        after, seconds = leases_of(workers), time.monotonic() - began

        (reads,) = {after[one] - before[one] for one in before}  # a worker takes all five at once
        assert (len(before), 0 < reads <= seconds + 1) == (5, True)


def leases_of(workers: Stack) -> dict[int, int]:
    """Of the batches that rest."""
    return dict(workers.ask("SELECT id, attempts FROM transactions_batch WHERE status = 'PLACED'"))
