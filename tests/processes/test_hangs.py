"""A database or queue that hangs is reported in time: probes and scrapes do not hang with it."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.processes import stack
from tests.processes.freezing import frozen
from tests.processes.stack import Stack, create_database, manage
from tests.processes.waiting import until
from tests.servers import Server, free_port, postgres, redis_server

pytestmark = pytest.mark.servers

SECONDS = 3.5  # three, and a moment for the way there and back
NO_DATABASE = "The database does not answer in time."
NO_QUEUE = "The queue's broker does not answer in time."
TOKEN = "t" * 20


@dataclass(frozen=True, slots=True)
class Site:
    stack: Stack
    database: Server

    def ready(self) -> list[str]:
        """The causes why it is not."""
        answer = self.get("readyz")
        return list(answer.json()["errors"] or [])

    def metrics(self) -> dict[str, str]:
        lines = self.get("metrics").text.splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))

    def get(self, page: str) -> requests.Response:
        """In time."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = requests.get(f"{self.stack.base}/{page}", timeout=20, headers=headers)
        took = time.monotonic() - began
        print(f"/{page} {answer.status_code} in {took:.2f} s")
        assert took < SECONDS
        return answer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With a PostgreSQL and a Redis of its own, both of which the tests stop where they stand."""
    directory: Path = tmp_path_factory.mktemp("gateway")
    with ExitStack() as ending:
        database, queue = ending.enter_context(postgres(own=True)), ending.enter_context(redis_server(own=True))
        url = create_database(database, "gateway", like="template1")
        environment = stack.production(database=url, queue=queue.url, directory=directory)
        manage("migrate", "--verbosity=0", environment=environment)
        manage("load_instruments", environment=environment)
        running = stack.running(database=url, queue=queue, port=free_port(), directory=directory, METRICS_TOKEN=TOKEN)
        made = Site(ending.enter_context(running), database)
        until(lambda: made.ready() == [], what="ready")
        yield made


class TestADatabaseThatHangs:
    def test_is_named_each_time_and_forgiven_when_it_goes_on(self, site: Site) -> None:
        with frozen(site.database):
            told = [site.ready() for _ in range(3)]

        assert told == [[NO_DATABASE]] * 3
        until(lambda: site.ready() == [], what="ready again")

    def test_leaves_the_rest_of_the_metrics(self, site: Site) -> None:
        with frozen(site.database):
            told = [site.metrics() for _ in range(2)]

        assert [one["gateway_database_up"] for one in told] == ["0.0", "0.0"]
        assert all(one["gateway_queue_up"] == "1.0" for one in told)
        assert all("gateway_orders_in_error" not in one for one in told)
        assert all(any(name.startswith("gateway_request_seconds_count") for name in one) for one in told)
        until(lambda: site.metrics()["gateway_database_up"] == "1.0", what="scraped in full again")

    def test_leaves_the_web_alive(self, site: Site) -> None:
        with frozen(site.database):
            site.ready()
            alive = site.get("healthz").status_code

        assert alive == 200
        until(lambda: site.ready() == [], what="ready again")


class TestAQueueThatHangs:
    def test_is_named_and_forgiven_when_it_goes_on(self, site: Site) -> None:
        with frozen(site.stack.queue):
            told = [site.ready() for _ in range(2)]

        assert told == [[NO_QUEUE]] * 2
        until(lambda: site.ready() == [], what="ready again")

    def test_leaves_the_rest_of_the_metrics(self, site: Site) -> None:
        with frozen(site.stack.queue):
            told = site.metrics()

        assert (told["gateway_queue_up"], told["gateway_database_up"]) == ("0.0", "1.0")
        assert "gateway_queue_depth" not in told

    def test_together_with_the_database_takes_no_longer(self, site: Site) -> None:
        with frozen(site.database), frozen(site.stack.queue):
            assert site.ready() == [NO_DATABASE, NO_QUEUE]
            assert site.metrics()["gateway_database_up"] == "0.0"


class TestServersThatAreGone:
    def test_are_named_at_once(self, site: Site) -> None:
        site.stack.queue.stop()
        site.database.stop()
        told = site.ready(), site.metrics()
        site.database.start()
        site.stack.queue.start()

        assert told[0] == [NO_DATABASE, NO_QUEUE]
        assert (told[1]["gateway_database_up"], told[1]["gateway_queue_up"]) == ("0.0", "0.0")
        until(lambda: site.ready() == [], seconds=60, what="ready again")
