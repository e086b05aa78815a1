"""The receiver's process and its counts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.request import urlopen

from benchmarks.stage import Stage
from tests.processes.waiting import until
from tests.servers import ROOT


@dataclass(frozen=True, slots=True)
class Heard:
    """Times by this machine's monotonic clock; `took` in seconds from the event to its arrival."""

    count: int
    first: float
    last: float
    took: list[float]


@dataclass(frozen=True, slots=True)
class Receiver:
    """The receiver's three ports."""

    answering: int
    slow: int
    hanging: int

    def heard(self) -> Heard:
        """The counts since the last call."""
        with urlopen(f"http://127.0.0.1:{self.answering}/") as response:
            return Heard(**json.load(response))

    def count(self) -> int:
        with urlopen(f"http://127.0.0.1:{self.answering}/count") as response:
            return int(response.read())

    def wait_for(self, number: int, *, seconds: float) -> Heard:
        """Raises AssertionError if fewer arrive in time."""
        until(lambda: self.count() >= number, seconds=seconds, what=f"{number} arrivals at the receiver")
        return self.heard()


@contextmanager
def receiving(stage: Stage) -> Iterator[Receiver]:
    command = [sys.executable, "-m", "benchmarks.receiver"]
    with subprocess.Popen(command, cwd=ROOT, env=stage.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Receiver(*json.loads(process.stdout.readline()))
        finally:
            process.kill()
