"""Production's logs and metrics of a basket: one request id in web and tasks, all processes' counts in one scrape."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.processes import stack
from tests.processes.records import wait_until_settled
from tests.processes.stack import Stack, create_database
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.receiver import Receiver
from tests.servers import Server, free_port, redis_server

pytestmark = pytest.mark.servers

TOKEN = "t" * 20
WORKER_PORT = free_port()
ID = "one-basket-one-id"
EXECUTION = "transactions.execution.record_updates"
PLACED = 'gateway_events_recorded_total{type="order.placed"}'
COMPLETED = 'gateway_orders_total{status="COMPLETE"}'


@pytest.fixture(scope="module")
def told(database_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Web, worker and beat that say what they do."""
    directory: Path = tmp_path_factory.mktemp("gateway")
    database = create_database(database_server, "told", like="migrated")
    more = {"LOG_LEVEL": "INFO", "METRICS_TOKEN": TOKEN, "WORKER_METRICS_PORT": str(WORKER_PORT)}
    with (
        redis_server(own=True) as queue,
        stack.running(database=database, queue=queue, port=free_port(), directory=directory, **more) as running,
    ):
        yield running


@pytest.fixture
def partner(told: Stack, receiver: Receiver) -> DistantPartner:
    return told.partner(f"told-{receiver.url.rsplit(':', 1)[1].split('/')[0]}", webhook_url=receiver.url)


def records(told: Stack) -> list[dict[str, Any]]:
    """The last line may still be being written."""
    return [json.loads(line) for line in told.processes.log.read_text().split("\n")[:-1]]


def play(partner: DistantPartner) -> str:
    transaction_id = partner.create()
    path = f"/sandbox/{{gateway}}/transactions/{transaction_id}/complete"
    sent = partner.headers() | {"Request-Id": ID}
    answer = partner.call("POST", path, {"broker": "kite", "clientId": "happy"}, headers=sent)
    assert answer.status == 200, answer.body
    return transaction_id


def scraped(port: int) -> dict[str, float]:
    page = requests.get(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    assert page.status_code == 200
    lines = [line.rsplit(" ", 1) for line in page.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


class TestTheLog:
    def test_follows_one_id_from_the_web_through_the_tasks(self, told: Stack, partner: DistantPartner) -> None:
        transaction_id = play(partner)
        wait_until_settled(told)

        mine = [record for record in records(told) if record.get("requestId") == ID]
        done = [record["message"].rpartition(" ")[2] for record in mine if record["logger"] == EXECUTION]
        (access,) = [record for record in mine if record["logger"] == "gateway.access"]
        assert done == ["PLACED.", "COMPLETED."]
        assert access["route"].endswith("/<trx:transaction_id>/complete")
        assert (access["status"], access["gateway"]) == (200, partner.name)
        assert transaction_id not in told.processes.log.read_text()

    def test_is_json_throughout_and_silent_about_empty_sweeps(self, told: Stack) -> None:
        def swept() -> bool:
            return scraped(WORKER_PORT).get('gateway_task_seconds_count{name="sweep_sips",outcome="succeeded"}', 0) > 3

        until(swept, what="sweeping")

        assert all(record["time"].endswith("Z") for record in records(told))
        assert not [record for record in records(told) if record.get("task") == "sweep_sips"]


class TestAScrape:
    def test_of_the_web_tells_what_its_machines_workers_did(self, told: Stack, partner: DistantPartner) -> None:
        before = scraped(told.port)
        play(partner)
        wait_until_settled(told)

        after = scraped(told.port)
        assert after[PLACED] == before.get(PLACED, 0) + 1
        assert after[COMPLETED] == before.get(COMPLETED, 0) + 2
        assert after["gateway_queue_depth"] >= 0

    def test_of_a_worker_tells_the_same_but_what_is_looked_up(self, told: Stack, partner: DistantPartner) -> None:
        play(partner)
        wait_until_settled(told)

        of_worker = scraped(WORKER_PORT)
        assert of_worker[PLACED] == scraped(told.port)[PLACED]
        assert "gateway_database_up" not in of_worker
        assert requests.get(f"http://127.0.0.1:{WORKER_PORT}/metrics", timeout=10).status_code == 401

    def test_loses_nothing_with_a_worker_that_is_killed(self, told: Stack, partner: DistantPartner) -> None:
        play(partner)
        wait_until_settled(told)
        before = scraped(told.port)[PLACED]
        slots = len(list((told.processes.log.parent / "metrics").glob("*.lock")))

        told.kill("worker")
        told.start("worker")
        play(partner)
        wait_until_settled(told)

        assert scraped(told.port)[PLACED] == before + 1
        assert len(list((told.processes.log.parent / "metrics").glob("*.lock"))) == slots
