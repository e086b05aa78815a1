"""Servers of their own for those that kill, stop and empty them."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.processes import stack
from tests.processes.stack import Stack, create_database, manage, production
from tests.servers import Server, free_port, postgres, redis_server

_numbers = count(1)


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a database `migrated` that has tables and instruments, for others to be copied from."""
    with postgres(own=True) as server:
        url = create_database(server, "migrated", like="template1")
        environment = production(
            database=url, queue="redis://127.0.0.1:1/0", directory=tmp_path_factory.mktemp("migrating")
        )
        manage("migrate", "--verbosity=0", environment=environment)
        manage("load_instruments", environment=environment)
        yield server


@pytest.fixture(scope="module")
def running(database_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Web, worker and beat, with a database, a Redis and a port of their own."""
    database = create_database(database_server, f"gateway_{next(_numbers)}", like="migrated")
    directory: Path = tmp_path_factory.mktemp("gateway")
    with (
        redis_server(own=True) as queue,
        stack.running(database=database, queue=queue, port=free_port(), directory=directory) as started,
    ):
        yield started
