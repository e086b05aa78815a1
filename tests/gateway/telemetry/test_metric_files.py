"""Slots are taken by the first that comes, used again when its process is gone, and cleared when nobody holds them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.telemetry.metric_files import DIRECTORY, FILE_BYTES, MetricSlot, clear

ROOT = Path(__file__).resolve().parents[3]
LOSES = "from gateway.telemetry import metrics; metrics.message_lost(task='deliver')"
FORKS = f"import os; {LOSES}; os.fork() or (metrics.message_lost(task='deliver'), os._exit(0)); os.wait()"
DIES = f"import os, signal; {LOSES}; os.kill(os.getpid(), signal.SIGKILL)"
TELLS = "from gateway.monitoring.exporter import exposition; print(exposition().decode())"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files' own; made when it is first needed."""
    where = tmp_path / "metrics"
    monkeypatch.setenv(DIRECTORY, str(where))
    return where


@pytest.fixture
def claim(directory: Path) -> Iterator[Callable[[], MetricSlot]]:
    """Slots, as of processes that live until the test ends."""
    made: list[MetricSlot] = []

    def claimed() -> MetricSlot:
        made.append(MetricSlot())
        made[-1].release()
        made[-1]()
        return made[-1]

    yield claimed
    for slot in made:
        slot.release()


def run(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)


def lost() -> float:
    """As a scrape of this directory tells it."""
    line = next(line for line in run(TELLS).stdout.splitlines() if line.startswith("gateway_bells_lost_total{"))
    return float(line.split()[-1])


class TestSlot:
    def test_is_the_first_that_nobody_holds(self, claim: Callable[[], MetricSlot]) -> None:
        first, second = claim(), claim()
        numbers = first(), second()
        first.release()

        assert (numbers, claim()()) == (("0", "1"), "0")

    def test_makes_nothing_before_something_is_counted(self, directory: Path) -> None:
        assert MetricSlot()() == "none"
        assert not directory.exists()

    def test_has_its_files_written_out_so_that_a_full_disk_is_met_here(
        self, directory: Path, claim: Callable[[], MetricSlot]
    ) -> None:
        claim()

        files = {path.name: path.stat() for path in directory.glob("*.db")}
        assert set(files) == {"counter_0.db", "histogram_0.db", "summary_0.db"}
        assert all(found.st_size == FILE_BYTES <= found.st_blocks * 512 for found in files.values())

    def test_that_cannot_be_had_breaks_nothing_and_says_so_once(self, tmp_path: Path) -> None:
        (tmp_path / "metrics").write_text("not a directory")
        twice = f"import os; os.environ['{DIRECTORY}'] = '{tmp_path}/metrics'; {LOSES}; metrics.message_lost(task='x')"

        done = run(twice)

        assert done.returncode == 0
        assert done.stderr.count("Metrics of this process are not counted") == 1


class TestCounts:
    def test_of_a_fork_are_its_own_and_add_up(self, directory: Path) -> None:
        assert run(FORKS).returncode == 0

        assert (lost(), len(list(directory.glob("counter_*.db")))) == (2, 2)

    def test_outlive_a_process_that_was_killed_and_need_no_more_files(self, directory: Path) -> None:
        assert [run(DIES).returncode for _ in range(3)] == [-signal.SIGKILL] * 3

        assert (lost(), len(list(directory.glob("counter_*.db")))) == (3, 1)


class TestClear:
    def test_forgets_the_gone_and_spares_the_living(self, directory: Path, claim: Callable[[], MetricSlot]) -> None:
        gone, living = claim(), claim()
        gone.release()

        clear()

        assert sorted(path.name for path in directory.glob("*.db")) == [
            "counter_1.db",
            "histogram_1.db",
            "summary_1.db",
        ]
        assert living() == "1"

    def test_of_nothing_does_nothing(self, directory: Path) -> None:
        clear()

        assert os.listdir(directory.parent) == []
