"""The stage of a benchmark: its own servers, the gateway's processes as in production, and Django set up here."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import django
import psycopg2  # type: ignore[import-untyped]  # it ships no types
import redis
from django.core.management import call_command
from rich.console import Console

from benchmarks.hotspots import named_by_profile
from benchmarks.knobs import Knobs
from benchmarks.machine import watched
from tests.processes.stack import Processes, database_url, production
from tests.processes.waiting import until
from tests.servers import ROOT, Server, free_port, postgres, redis_server

WEB: Final = "--http 1 --no-ws --http1-header-read-timeout 10000 --http1-buffer-size 65536"
WORDS: Final = ["--log-config", str(ROOT / "deploy" / "granian-logging.json")]
ENDLESS: Final = "1000000000/minute"  # counted as in production, but never reached
KEPT: Final = ROOT / "var" / "bench"


@dataclass
class Stage:
    """`environment` is the environment of the gateway's processes."""

    knobs: Knobs
    database: Server
    queue: Server
    processes: Processes
    console: Console
    ports: dict[str, int] = field(default_factory=dict)

    def say(self, told: str) -> None:
        """Informs the person who watches a run of several hours."""
        self.console.print(f"  {told}", markup=False)

    @property
    def environment(self) -> dict[str, str]:
        return self.processes.environment

    def web(self, *, workers: int = 2, name: str = "web", **more: str) -> int:
        """Starts the gateway's web as docs/deployment.md does; returns its port."""
        options = ["--interface", "rsgi", *WEB.split(), *WORDS]
        mine = self.environment | more
        return self.granian(name, "gateway.rsgi:application", workers, options, mine, by="gateway.web")

    def bare_web(self, *, workers: int = 2, settings: str = "benchmarks.bare.settings", **more: str) -> int:
        """Starts bare Django on the same server with as many threads; returns its port."""
        options = ["--interface", "wsgi", *WEB.split(), "--blocking-threads", "16", "--log-level", "error"]
        mine = self.environment | {"DJANGO_SETTINGS_MODULE": settings} | more
        return self.granian("bare", "benchmarks.bare.wsgi:application", workers, options, mine)

    def granian(
        self,
        name: str,
        application: str,
        workers: int,
        options: Sequence[str],
        environment: Mapping[str, str],
        *,
        by: str = "granian",
    ) -> int:
        port = self.ports[name] = free_port()
        where = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers)]
        self.start(name, [sys.executable, "-m", by, *where, *options, application], environment)
        until(lambda: _answers(port), what=f"serving ({name}); its output is in {self.processes.log}")
        return port

    def worker(self, *, processes: int = 2) -> None:
        """Prefork, on the queue for the gateway's own work."""
        self.start("worker", [*celery(), "worker", "--hostname", "worker@%h", "--concurrency", str(processes)])
        self.wait_for_listeners(1)

    def dispatchers(self, number: int = 2) -> None:
        for n in range(number):
            name = f"dispatcher{n}"
            options = ["--hostname", f"{name}@%h", "--queues", "deliveries", "--pool", "solo"]
            self.start(name, [*celery(), "worker", *options])
        self.wait_for_listeners(number)

    def beat(self) -> None:
        schedule = ["--schedule", str(self.processes.log.with_name("beat")), "--pidfile="]
        self.start("beat", [*celery(), "beat", *schedule])

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        usual = self.processes.environment
        self.processes.environment = dict(environment or usual)
        try:
            self.processes.start(name, command)
        finally:
            self.processes.environment = usual

    def stop(self, *names: str) -> None:
        for name in names or tuple(self.processes.running):
            self.processes.kill(name)

    def pid(self, name: str) -> int:
        return self.processes.running[name].pid

    def pids(self, *names: str) -> dict[str, int]:
        """Process ids, including the servers'."""
        mine = {name: self.pid(name) for name in names or self.processes.running}
        return mine | {"PostgreSQL": self.database.pid, "Redis": self.queue.pid}

    @contextmanager
    def watched(self, *names: str) -> Iterator[dict[str, float]]:
        with watched(self.pids(*names)) as cores:
            yield cores

    def profile(self, *names: str, load: Callable[[], object]) -> str:
        seconds = max(1.0, min(self.knobs.seconds, 10))
        return named_by_profile([self.pid(name) for name in names], seconds=seconds, load=load)

    def wait_for_listeners(self, number: int) -> None:
        """Waits for Celery's consumers, each of which blocks on its queue in Redis."""
        until(lambda: self.listening() >= number, what=f"{number} consumers; see {self.processes.log}")

    def empty_queue(self) -> None:
        with redis.Redis.from_url(self.queue.url) as client:
            client.flushall()

    def ask(self, question: str, *values: Any, database: str | None = None) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(database or self.database.url)) as connection, connection.cursor() as cursor:
            cursor.execute(question, values or None)
            return list(cursor.fetchall())

    def execute(self, statement: str, *values: Any, database: str | None = None) -> None:
        """Outside a transaction, as VACUUM and CREATE DATABASE require."""
        with closing(psycopg2.connect(database or self.database.url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values or None)

    def another_database(self, name: str, *, like: str = "postgres") -> str:
        """Creates a copy of `like`, to which nobody may be connected, and returns its URL."""
        from django.db import connection  # noqa: PLC0415 - Django had to be set up

        connection.close()
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like}", database=database_url(self.database, "template1"))
        return database_url(self.database, name)

    def listening(self) -> int:
        with redis.Redis.from_url(self.queue.url, socket_timeout=2) as client:
            return sum(one["cmd"] == "brpop" for one in client.client_list())


@contextmanager
def staged(knobs: Knobs, *, console: Console) -> Iterator[Stage]:
    """Migrated, with the shipped instruments and smallcases; Django here uses the gateway's environment."""
    with ExitStack() as ending:
        directory = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="gateway-bench-")))
        database = ending.enter_context(postgres(durable=True, own=True))
        queue = ending.enter_context(redis_server(own=True))
        environment = _settings(database, queue, directory)
        os.environ.update(environment | {"LOG_LEVEL": "ERROR"})  # nobody reads the log of this process
        (directory / "static").mkdir()
        django.setup()
        for command in ("migrate", "load_instruments", "load_smallcases"):
            with (directory / command).open("w") as words:
                call_command(command, verbosity=0, stdout=words)
        processes = ending.enter_context(Processes(environment, directory / "log"))
        yield Stage(knobs, database, queue, processes, console)


def celery() -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "gateway"]


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """Connects Django here to another database of the same server."""
    from django.db import connection  # noqa: PLC0415 - Django had to be set up

    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _settings(database: Server, queue: Server, directory: Path) -> dict[str, str]:
    """Settings as in production: rate limits are counted, and the log has its default level and goes to a file."""
    limits = dict.fromkeys(("RATE_LIMIT_GATEWAY", "RATE_LIMIT_ACCOUNT", "RATE_LIMIT_WRONG_SECRETS"), ENDLESS)
    made = production(database=database.url, queue=queue.url, directory=directory)
    return made | limits | {"LOG_LEVEL": "INFO", "DJANGO_SETTINGS_MODULE": "gateway.settings"}


def _answers(port: int) -> bool:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
        return bool(response.status == 200)
    return False
