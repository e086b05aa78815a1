"""`manage.py up`: the embedded default as its user starts, hurts and stops it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from tests.processes.stack import Processes, bare_environment, create_partner, healthy
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.receiver import Receiver
from tests.servers import free_port

SERVES_WITHIN = 90  # seconds: the catalogue is indexed first, and the machine may be busy
STOPS_WITHIN = 7.5  # 5 on a machine that does nothing else
PROGRAMS = ("gateway.rsgi", "--hostname worker", "--hostname dispatcher", "shop.app")
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Its processes are known by their environment, which names `directory`."""

    port: int
    processes: Processes

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def supervisor(self) -> "subprocess.Popen[bytes]":
        return self.processes.running["up"]

    def words(self) -> str:
        return self.processes.log.read_text()

    def partner(self, receiver: Receiver) -> DistantPartner:
        environment = self.processes.environment
        return create_partner(f"p-{next(_numbers)}", webhook_url=receiver.url, base=self.base, environment=environment)

    def child(self, program: str) -> int:
        """The supervisor's own child that runs `program`; 0 while there is none."""
        found = [pid for pid in members(self.directory) if parent_of(pid) == self.supervisor.pid]
        return next((pid for pid in found if program in command_of(pid)), 0)

    def children(self) -> list[int]:
        return [self.child(program) for program in PROGRAMS]

    @property
    def directory(self) -> str:
        return self.processes.environment["VAR_DIR"]


def members(directory: str) -> list[int]:
    """Every living process that was given this VAR_DIR."""
    mark = f"VAR_DIR={directory}".encode()
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if mark in read(entry / "environ").split(b"\0")]


def command_of(pid: int) -> str:
    return read(Path(f"/proc/{pid}/cmdline")).replace(b"\0", b" ").decode()


def parent_of(pid: int) -> int:
    fields = read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def read(path: Path) -> bytes:
    """Nothing, of a process that has gone meanwhile."""
    with suppress(OSError):
        return path.read_bytes()
    return b""


@pytest.fixture
def new_gateway(tmp_path: Path) -> Iterator[Embedded]:
    """From nothing: its first start makes the database."""
    yield from _started(tmp_path)


@pytest.fixture
def embedded_gateway(first_start: Path, tmp_path: Path) -> Iterator[Embedded]:
    shutil.copytree(first_start, tmp_path, dirs_exist_ok=True)
    yield from _started(tmp_path)


def _started(tmp_path: Path) -> Iterator[Embedded]:
    environment = bare_environment(VAR_DIR=str(tmp_path), PYTHONUNBUFFERED="1")
    with Processes(environment, tmp_path / "log") as processes:
        started = Embedded(free_port(), processes)
        processes.start("up", [sys.executable, "manage.py", "up", "--port", str(started.port)])
        until(lambda: "Serving" in started.words(), seconds=SERVES_WITHIN, what="serving")
        yield started
        for pid in members(str(tmp_path)):
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(pid, signal.SIGKILL)


def tells_all(partner: DistantPartner, receiver: Receiver) -> list[str]:
    """Plays a basket from beginning to end; returns its events."""
    before = len(receiver.hits)
    answer = partner.complete(partner.create(), wait=20)
    assert answer.status == 200, answer.body
    assert answer.data["orderBatches"][0]["status"] == "COMPLETED"
    return [hit.event for hit in receiver.wait_for(lambda hits: len(hits) == before + 2)[before:]]


class TestTheEmbeddedDefault:
    def test_completes_a_basket_and_stops_without_a_trace(self, new_gateway: Embedded, receiver: Receiver) -> None:
        partner = new_gateway.partner(receiver)
        assert tells_all(partner, receiver) == ["order.placed", "order.completed"]

        began = time.monotonic()
        new_gateway.supervisor.send_signal(signal.SIGINT)
        exit_code = new_gateway.supervisor.wait(20)
        took = time.monotonic() - began

        print(f"Stopped in {took:.1f} s.")
        assert exit_code == 0
        assert took < STOPS_WITHIN
        kept = {path.name: path.stat().st_mode for path in Path(new_gateway.directory).rglob("*")}
        assert {"encryption_key", "gateway.sqlite3", "messages", "metrics", "demo-site.sqlite3"} <= kept.keys()
        assert [name for name, mode in kept.items() if mode & 0o077 and name != "log"] == []  # the log is the test's
        assert members(new_gateway.directory) == []

    def test_limits_how_often_a_user_may_ask(self, embedded_gateway: Embedded, receiver: Receiver) -> None:
        partner = embedded_gateway.partner(receiver)
        transaction_id = partner.create()
        partner.complete(transaction_id)
        auth_id = str(partner.details(transaction_id)["smallcaseAuthId"])

        with ThreadPoolExecutor(8) as user:
            path = "/v1/{gateway}/engine/user/exitedSmallcases"
            calls = [user.submit(partner.call, "GET", path, auth_id=auth_id) for _ in range(700)]
            answers = [call.result() for call in calls]

        counted = Counter(answer.status for answer in answers)
        refused = next(answer for answer in answers if answer.status == 429)
        print(f"Of 700 requests of one user: {dict(counted)}")
        assert 300 <= counted[200] <= 600  # a new minute may have begun
        assert counted[200] + counted[429] == 700
        assert refused.error_type == "RateLimited"
        assert refused.headers["ratelimit-limit"] == "300"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert partner.call("GET", "/sandbox/{gateway}/market").headers["ratelimit-limit"] == "6000"

    def test_replaces_what_was_killed(self, embedded_gateway: Embedded, receiver: Receiver) -> None:
        partner = embedded_gateway.partner(receiver)
        assert tells_all(partner, receiver)
        before = set(members(embedded_gateway.directory)) - {embedded_gateway.supervisor.pid}
        killed = embedded_gateway.children()
        assert all(killed)  # 0 would stand for the group of this very process

        for child in killed:
            os.kill(child, signal.SIGKILL)

        until(lambda: not {0, *killed} & set(embedded_gateway.children()), what="all new")
        until(lambda: healthy(embedded_gateway.base), what="serving")
        assert set(killed) < before
        assert not before & set(members(embedded_gateway.directory))
        for name in ("web", "worker", "dispatcher", "demo site"):
            assert f"{name} died (signal 9); starting it again." in embedded_gateway.words()
        assert tells_all(partner, receiver) == ["order.placed", "order.completed"]

    def test_ends_with_a_supervisor_that_was_killed(self, embedded_gateway: Embedded, receiver: Receiver) -> None:
        tells_all(embedded_gateway.partner(receiver), receiver)

        embedded_gateway.supervisor.kill()

        took = until(lambda: members(embedded_gateway.directory) == [], what="gone")

        print(f"Gone {took:.1f} s after their supervisor.")
