"""The embedded default on a disk that is full: nothing can be written, and nothing is lost.

Played by a limit on the size of files, which needs no rights: every write fails from one moment to the next, in the
database, its log, the queue and the processes' output.
"""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.partner import Answer
from tests.processes.stack import Processes, bare_environment, create_partner, healthy
from tests.processes.test_embedded import members
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.receiver import Receiver
from tests.servers import ROOT, free_port

FULL_SECONDS = 8.0
NOTHING, EVERYTHING = 0, resource.RLIM_INFINITY


@dataclass(frozen=True, slots=True)
class Embedded:
    base: str
    processes: Processes

    @property
    def directory(self) -> str:
        return self.processes.environment["VAR_DIR"]

    def may_write(self, size: int) -> None:
        """All processes, those that are started meanwhile too; bytes of each file."""
        for pid in members(self.directory):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, EVERYTHING))

    def doctor(self) -> dict[str, int]:
        """What is broken, of a gateway at rest."""
        command = [sys.executable, "manage.py", "doctor", "--settled", "--json"]
        environment = self.processes.environment
        done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
        return {one["name"]: one["offenders"] for one in json.loads(done.stdout)["invariants"] if one["offenders"]}


@pytest.fixture
def gateway(first_start: Path, tmp_path: Path) -> Iterator[Embedded]:
    environment = bare_environment(VAR_DIR=str(tmp_path / "var"), PYTHONUNBUFFERED="1")
    shutil.copytree(first_start, tmp_path / "var")
    port = free_port()
    with Processes(environment, tmp_path / "log") as processes:
        processes.start("up", [sys.executable, "manage.py", "up", "--port", str(port)])
        started = Embedded(f"http://127.0.0.1:{port}", processes)
        until(lambda: "Serving" in processes.log.read_text(), seconds=60, what="serving")
        yield started
        for pid in members(started.directory):
            with suppress(ProcessLookupError):  # it has ended with its parent
                os.kill(pid, signal.SIGKILL)


def attempts_at(partner: DistantPartner, transaction_id: str) -> Iterator[tuple[Answer, Answer]]:
    """Again and again: a write and a read."""
    began = time.monotonic()
    while time.monotonic() - began < FULL_SECONDS:
        written = partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"})
        path = "/v1/{gateway}/engine/transactiondetails"
        yield written, partner.call("GET", path, query={"transactionId": transaction_id})
        time.sleep(0.2)


def retry_after(answer: Answer) -> str | None:
    return {name.lower(): value for name, value in answer.headers.items()}.get("retry-after")


class TestAFullDisk:
    def test_refuses_what_it_cannot_write_and_goes_on_once_it_can(self, gateway: Embedded, receiver: Receiver) -> None:
        environment = gateway.processes.environment
        partner = create_partner("full", webhook_url=receiver.url, base=gateway.base, environment=environment)
        assert partner.complete(partner.create(), wait=20).status == 200
        waiting = partner.create()
        under_way = [partner.create() for _ in range(3)]
        for transaction_id, client_id in zip(under_way, ("slow", "late-fill", "happy"), strict=True):
            assert partner.complete(transaction_id, client_id).status == 200

        gateway.may_write(NOTHING)
        answers = list(attempts_at(partner, waiting))
        gateway.may_write(EVERYTHING)

        until(lambda: healthy(gateway.base), what="serving")
        told = {(w.status, w.error_type, retry_after(w), r.status) for w, r in answers}
        assert told == {(503, "ServiceUnavailable", "5", 200)}
        assert partner.complete(waiting, wait=20).data["orderBatches"][0]["status"] == "COMPLETED"
        partner.advance("PT30M")
        until(lambda: gateway.doctor() == {}, seconds=120, what=f"sound and at rest: {gateway.doctor()}")
        statuses = [partner.batches(transactionId=one)[0]["status"] for one in (waiting, *under_way)]
        assert statuses == ["COMPLETED"] * 4
        heard = {hit.headers["webhook-id"] for hit in receiver.hits if hit.event == "order.completed"}
        assert len(heard) == 5
