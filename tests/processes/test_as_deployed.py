"""What Compose starts does start, from what the image holds; its health checks tell the living from the dead."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests import moved_clock
from tests.processes.stack import create_database, production
from tests.processes.waiting import until
from tests.servers import ROOT, Server, free_port, redis_server
from tests.test_deployed_processes import COMPOSE, PROCESSES, shipped

pytestmark = pytest.mark.servers

GRACE: Final = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Machine:
    """Where Compose's fixed ports and folders are others."""

    image: Path
    var: Path
    environment: dict[str, str]
    ports: dict[str, int]

    def here(self, words: Sequence[str]) -> list[str]:
        moved = {"/var/lib/gateway": str(self.var), **{name: str(port) for name, port in self.ports.items()}}
        return [self._moved(word, moved) for word in words]

    @contextmanager
    def running(self, name: str) -> Iterator["subprocess.Popen[bytes]"]:
        command = self.here(COMPOSE["services"][name]["command"])
        with (self.var / "log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.image, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(GRACE)

    def is_healthy(self, name: str) -> bool:
        kind, *check = COMPOSE["services"][name]["healthcheck"]["test"]
        command = self.here(["sh", "-c", *check] if kind == "CMD-SHELL" else check)
        # With the real clock, by which the kernel dates the files whose age a check looks at.
        environment = {name: value for name, value in self.environment.items() if name not in moved_clock.CARRIED}
        done = subprocess.run(command, check=False, cwd=self.image, env=environment, capture_output=True)
        return done.returncode == 0

    def files(self) -> set[Path]:
        return set(self.image.rglob("*"))

    @staticmethod
    def _moved(word: str, moved: dict[str, str]) -> str:
        for there, here in moved.items():
            word = word.replace(there, here)
        return word


@pytest.fixture(scope="module")
def machine(database_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    image, var = tmp_path_factory.mktemp("image"), tmp_path_factory.mktemp("var")
    for name in shipped():
        source, target = ROOT / name, image / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    ports = {"8000": free_port(), "9100": free_port()}
    with redis_server(own=True) as queue:
        database = create_database(database_server, "deployed", like="template1")
        environment = production(database=database, queue=queue.url, directory=var) | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "STATIC_ROOT": str(image / "static"),
            "WORKER_METRICS_PORT": str(ports["9100"]),
        }
        yield Machine(image, var, environment, ports)


class TestTheJob:
    def test_brings_a_new_database_up_however_often_it_runs(self, machine: Machine) -> None:
        for _ in range(2):
            with machine.running("migrate") as job:
                assert job.wait(120) == 0


class TestAProcess:
    @pytest.mark.parametrize("name", PROCESSES)
    def test_starts_says_that_it_lives_and_ends_when_it_is_asked(self, machine: Machine, name: str) -> None:
        before = machine.files()
        assert not machine.is_healthy(name)

        with machine.running(name) as process:
            until(lambda: machine.is_healthy(name), what=f"healthy; its words are in {machine.var}/log")
            assert process.poll() is None
            process.terminate()
            process.wait(GRACE)

        assert machine.files() == before  # the image's file system is read-only
