"""Behind a pooler that hands connections on at the end of each transaction, all goes as it does without one."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg2  # type: ignore[import-untyped]
import pytest
import requests

from tests.pooler import PGBOUNCER, pooled
from tests.processes import stack
from tests.processes.records import check_everything, wait_until_settled
from tests.processes.stack import Stack, create_database, manage
from tests.receiver import Receiver
from tests.servers import Server, free_port, redis_server

NEEDED: Final = "needs PgBouncer (Debian: apt-get install pgbouncer)"
pytestmark = [pytest.mark.servers, pytest.mark.skipif(PGBOUNCER.found() is None, reason=NEEDED)]

CONNECTIONS: Final = 3
BASKETS: Final = 12


@dataclass(frozen=True, slots=True)
class Site:
    stack: Stack
    pooler: str  # its URL


@pytest.fixture(scope="module")
def site(database_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    direct = create_database(database_server, "pooled", like="migrated")
    directory: Path = tmp_path_factory.mktemp("gateway")
    with (
        pooled(database_server, database="pooled", connections=CONNECTIONS) as pooler,
        redis_server(own=True) as queue,
        stack.running(
            database=direct,
            queue=queue,
            port=free_port(),
            directory=directory,
            DATABASE_URL=pooler,
            DATABASE_POOLING="transaction",
        ) as started,
    ):
        yield Site(started, pooler)


class TestAPooledGateway:
    def test_fills_and_tells_baskets_that_come_at_once(self, site: Site, receiver: Receiver) -> None:
        partner = site.stack.partner("pooled", webhook_url=receiver.url)

        with ThreadPoolExecutor(BASKETS) as users:
            played = list(users.map(partner.play, ["happy"] * BASKETS))
        wait_until_settled(site.stack)

        check_everything(site.stack, played, receiver.hits)
        assert Counter(receiver.events()) == {"order.placed": BASKETS, "order.completed": BASKETS}

    def test_has_no_more_connections_than_the_pool(self, site: Site) -> None:
        mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'pooled' AND pid <> pg_backend_pid()"

        assert 1 <= site.stack.ask(mine)[0][0] <= CONNECTIONS

    def test_leaves_no_limit_on_a_connection_for_whoever_has_it_next(self, site: Site) -> None:
        for page in ("readyz", "readyz", "metrics"):
            requests.get(f"{site.stack.base}/{page}", timeout=10)

        assert set(self.limits(site.pooler)) == {"0"}

    def test_is_ready(self, site: Site) -> None:
        answer = requests.get(f"{site.stack.base}/readyz", timeout=10)

        assert (answer.status_code, answer.json()["errors"]) == (200, None)

    def test_declares_no_cursors_that_outlive_a_transaction(self, site: Site) -> None:
        question = "from django.db import connection; print(connection.settings_dict['DISABLE_SERVER_SIDE_CURSORS'])"

        assert (
            manage("shell", "--verbosity=0", "-c", question, environment=site.stack.processes.environment) == "True\n"
        )

    @staticmethod
    def limits(url: str) -> list[str]:
        """Of all the pool's connections: held at once, they must be different ones."""
        clients = [psycopg2.connect(url) for _ in range(CONNECTIONS)]
        found = []
        for client in clients:
            with client.cursor() as cursor:
                cursor.execute("SHOW statement_timeout")
                found.append(cursor.fetchone()[0])
        for client in clients:
            with closing(client):
                client.rollback()
        return found
