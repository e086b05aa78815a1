"""Production in small: web, worker, dispatcher and beat, with a database and a queue of their own."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg2  # type: ignore[import-untyped]
import redis
from cryptography.fernet import Fernet

from gateway.embedded import supervisor
from tests import moved_clock
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.servers import ROOT, Server

KEPT: Final = ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE", *moved_clock.CARRIED)
ALL: Final = ("web", "worker", "dispatcher", "beat")
LISTENERS: Final = ("worker", "dispatcher")
LEASED: Final = ("transactions_batch", "webhooks_delivery")

# The pipe closes however we end, `kill -9` included; its last line names the process groups to end.
GUARD: Final = """
exec >/dev/null 2>&1
while read -r line; do groups=$line; done
for group in $groups; do kill -s KILL -- "-$group"; done
"""


def bare_environment(*, VAR_DIR: str, **more: str) -> dict[str, str]:  # noqa: N803
    """Ours without what configures a gateway. What a killed process leaves stays in the folder of its test."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {"TMPDIR": str(Path(VAR_DIR).parent), "VAR_DIR": VAR_DIR} | more


def manage(*arguments: str, environment: dict[str, str], root: Path = ROOT) -> str:
    """What `manage.py` prints."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, check=False, cwd=root, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


def migrated_directory(made: Path) -> Path:
    """A VAR_DIR with tables, instruments and smallcases, as the first start of the embedded default makes it.

    A run makes one, whichever of its processes asks first. A test copies it, and so saves ten seconds of CPU.
    """
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = made.with_suffix(".unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            environment = bare_environment(VAR_DIR=str(unfinished))
            for command in (("migrate", "--verbosity=0"), ("load_instruments",), ("load_smallcases",)):
                manage(*command, environment=environment)
            unfinished.rename(made)
    return made


def create_partner(name: str, *, webhook_url: str, base: str, environment: dict[str, str]) -> DistantPartner:
    made = json.loads(manage("create_gateway", name, "--json", "--webhook-url", webhook_url, environment=environment))
    return DistantPartner(name, made["apiSecret"], made["jwtSecret"], made["webhookSecret"], base=base)


def healthy(base: str) -> bool:
    with suppress(OSError), urlopen(f"{base}/healthz", timeout=2) as response:
        return bool(response.status == 200)
    return False


@dataclass
class Processes:
    """By name; each with a process group of its own, all of which end with us."""

    environment: dict[str, str]
    log: Path
    root: Path = ROOT
    running: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def __enter__(self) -> "Processes":
        guard = ["/bin/sh", "-c", GUARD]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for name in list(self.running):
            self.kill(name)
        self._guard.communicate()

    def start(self, name: str, command: Sequence[str]) -> None:
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, cwd=self.root, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self._tell_guard()

    def kill(self, name: str) -> None:
        """SIGKILL for the process and all that it started."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        self._tell_guard()

    def pause(self, name: str) -> None:
        os.killpg(self.running[name].pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        os.killpg(self.running[name].pid, signal.SIGCONT)

    def _tell_guard(self) -> None:
        print(*(process.pid for process in self.running.values()), file=self._guard.stdin, flush=True)


@dataclass
class Stack:
    """`queue` is ours to stop, kill and empty."""

    database: str
    queue: Server
    port: int
    processes: Processes

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        self.processes.start(name, self.command(name))
        if name == "web":
            until(lambda: healthy(self.base), what="serving")
        if name in LISTENERS:
            until(self.listens, what="workers that listen to their queues")

    def revive(self) -> None:
        """Starts whatever does not run."""
        for name in ALL:
            if name not in self.processes.running:
                self.start(name)

    def kill(self, name: str) -> None:
        self.processes.kill(name)

    def another_web(self, port: int) -> str:
        """Where it serves."""
        base = f"http://127.0.0.1:{port}"
        self.processes.start(f"web at {port}", supervisor.web(host="127.0.0.1", port=port).command)
        until(lambda: healthy(base), what="serving")
        return base

    def listens(self) -> bool:
        """Whether all that are to wait at a queue do."""
        with redis.Redis.from_url(self.queue.url, socket_timeout=2) as client:
            waiting = sum(one["cmd"] == "brpop" for one in client.client_list())
        return bool(waiting >= sum(name in LISTENERS for name in self.processes.running))

    def empty_queue(self) -> None:
        with redis.Redis.from_url(self.queue.url, socket_timeout=2) as client:
            client.flushall()

    def partner(self, name: str, *, webhook_url: str) -> DistantPartner:
        return create_partner(name, webhook_url=webhook_url, base=self.base, environment=self.processes.environment)

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._session() as cursor:
            cursor.execute(question, values)
            return list(cursor.fetchall())

    def execute(self, statement: str, *values: Any) -> int:
        """How many rows it touched."""
        with self._session() as cursor:
            cursor.execute(statement, values)
            return int(cursor.rowcount)

    def interrupted(self) -> int:
        """How many rows a worker had claimed: an offer's lease is 5 s at most, a claim's 30 s or more."""
        claims = [f"SELECT 1 FROM {table} WHERE leased_until > now() + interval '8 s'" for table in LEASED]
        return len(self.ask(" UNION ALL ".join(claims)))

    def lapse(self) -> None:
        """As if the leases' time had passed. Only right while no worker lives to hold one."""
        for table in LEASED:
            self.execute(f"UPDATE {table} SET leased_until = now() WHERE leased_until > now()")

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        """Writers to `table` wait."""
        with self._session() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            yield

    def waits_for(self, table: str) -> bool:
        question = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
        return bool(self.ask(question, table)[0][0])

    @contextmanager
    def _session(self) -> Iterator[Any]:
        with closing(psycopg2.connect(self.database)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'")
            yield cursor

    def command(self, name: str) -> Sequence[str]:
        """As `manage.py up` starts them, except that the beat is a process of its own."""
        worker = [part for part in supervisor.worker().command if part != "-B"]
        celery = worker[: worker.index("worker")]
        return {
            "web": supervisor.web(host="127.0.0.1", port=self.port).command,
            "worker": worker,
            "dispatcher": supervisor.webhook_worker().command,
            "beat": [*celery, "beat", "--loglevel", "WARNING", "--pidfile="],
        }[name]


@contextmanager
def running(*, database: str, queue: Server, port: int, directory: Path, **more: str) -> Iterator[Stack]:
    """Web, worker, dispatcher and beat, up and listening; `more` goes into their environment."""
    environment = production(database=database, queue=queue.url, directory=directory) | more
    with Processes(environment, directory / "log") as processes:
        stack = Stack(database, queue, port, processes)
        for name in ALL:
            processes.start(name, stack.command(name))
        until(lambda: healthy(stack.base) and stack.listens(), what=f"up; its words are in {processes.log}")
        yield stack


def production(*, database: str, queue: str, directory: Path) -> dict[str, str]:
    return bare_environment(
        GATEWAY_ENV="production",
        SECRET_KEY="s" * 64,
        ENCRYPTION_KEYS=Fernet.generate_key().decode(),
        ALLOWED_HOSTS="127.0.0.1",
        SECURE_SSL_REDIRECT="false",
        MARKET_HOURS="always",
        WEBHOOK_ALLOW_PRIVATE_NETWORKS="true",
        LOG_LEVEL="WARNING",
        RATE_LIMIT_GATEWAY="",
        RATE_LIMIT_ACCOUNT="",
        RATE_LIMIT_WRONG_SECRETS="",
        VAR_DIR=str(directory),
        DATABASE_URL=database,
        CELERY_BROKER_URL=queue,
    )


def database_url(server: Server, name: str) -> str:
    return urlsplit(server.url)._replace(path=f"/{name}").geturl()


def create_database(server: Server, name: str, *, like: str) -> str:
    """Its URL; `like` names the database it is a copy of."""
    with closing(psycopg2.connect(server.url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
    return database_url(server, name)
