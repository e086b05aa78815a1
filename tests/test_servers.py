import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2  # type: ignore[import-untyped]
import pytest
import redis

from tests.servers import ROOT, Server, postgres, redis_server

pytestmark = pytest.mark.servers

# Starts a server, says where and in which directory, and waits to be killed.
PARENT = """
import signal, sys
from tests import servers
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
with getattr(servers, sys.argv[1])(own=True) as server:
    print(server.url, server.daemon.directory, flush=True)
    signal.pause()
"""


@pytest.fixture(scope="class")
def database() -> Iterator[Server]:
    with postgres(own=True) as server:
        yield server


@pytest.fixture(scope="class")
def broker() -> Iterator[Server]:
    with redis_server(own=True) as server:
        yield server


@pytest.fixture(params=["postgres", "redis_server"])
def parent(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PARENT, request.param]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def execute(server: Server, statement: str) -> None:
    with closing(psycopg2.connect(server.url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def ask(server: Server, question: str) -> str:
    with closing(psycopg2.connect(server.url)) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


def ping(server: Server) -> bool:
    with redis.Redis.from_url(server.url) as client:
        return bool(client.ping())


def listens(url: str) -> bool:
    where = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((where.hostname, where.port)) == 0


def goes(directory: Path) -> bool:
    give_up_at = time.monotonic() + 10
    while directory.exists() and time.monotonic() < give_up_at:
        time.sleep(0.05)
    return not directory.exists()


class TestPostgres:
    def test_listens_on_loopback_only(self, database: Server) -> None:
        assert urlsplit(database.url).hostname == "127.0.0.1"
        assert ask(database, "SHOW listen_addresses") == "127.0.0.1"

    def test_takes_as_many_clients_as_the_tests_need(self, database: Server) -> None:
        assert ask(database, "SHOW max_connections") == "300"

    def test_says_how_it_was_found(self, database: Server) -> None:
        version = ask(database, "SHOW server_version").split()[0]

        assert database.name == f"PostgreSQL {version}"
        assert database.how.startswith(f"PostgreSQL {version} (binaries of ")

    def test_keeps_its_data_over_a_stop_and_a_start(self, database: Server) -> None:
        execute(database, "CREATE TABLE kept AS SELECT 42 AS answer")

        database.stop()
        assert not listens(database.url)
        database.start()

        assert ask(database, "SELECT answer FROM kept") == "42"

    def test_keeps_what_was_committed_over_a_kill(self) -> None:
        with postgres(own=True, durable=True) as database:
            execute(database, "CREATE TABLE kept AS SELECT 42 AS answer")

            database.kill()
            assert not listens(database.url)
            database.start()

            assert ask(database, "SELECT answer FROM kept") == "42"

    def test_hurries_unless_it_is_to_be_durable(self, database: Server) -> None:
        with postgres(own=True, durable=True) as durable:
            assert ask(durable, "SHOW fsync") == "on"
        assert ask(database, "SHOW fsync") == "off"

    def test_is_gone_afterwards(self) -> None:
        with postgres(own=True) as database:
            assert database.daemon is not None
            directory = database.daemon.directory

        assert not listens(database.url)
        assert not directory.exists()


class TestRedis:
    def test_answers(self, broker: Server) -> None:
        assert ping(broker)

    def test_comes_back_on_the_same_port(self, broker: Server) -> None:
        broker.kill()
        assert not listens(broker.url)
        broker.start()

        assert ping(broker)

    def test_is_gone_afterwards(self) -> None:
        with redis_server(own=True) as broker:
            assert broker.daemon is not None
            directory = broker.daemon.directory

        assert not listens(broker.url)
        assert not directory.exists()


class TestParent:
    @pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
    def test_takes_its_server_along(self, parent: subprocess.Popen[str], end: signal.Signals) -> None:
        assert parent.stdout is not None
        url, directory = parent.stdout.readline().split()
        assert listens(url)

        os.kill(parent.pid, end)

        assert goes(Path(directory))
        assert not listens(url)


class TestGivenServer:
    def test_is_the_one_in_the_environment(self, broker: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TEST_REDIS_URL", broker.url)

        with redis_server() as given:
            assert given.url == broker.url
        assert ping(broker)

    def test_is_not_ours_to_stop(self, broker: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TEST_REDIS_URL", broker.url)

        with redis_server() as given, pytest.raises(PermissionError, match="was there before us"):
            given.stop()
        assert ping(broker)

    def test_must_answer(self, database: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TEST_DATABASE_URL", database.url)
        database.stop()

        with pytest.raises(ConnectionError, match="TEST_DATABASE_URL is set, but"), postgres():
            pass
