"""The machine that measures, and the processes that keep its cores busy."""

import os
import platform
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
PROC: Final = Path("/proc")


def described() -> str:
    model = next((line.partition(":")[2].strip() for line in _lines(PROC / "cpuinfo") if "model name" in line), "")
    total = next((int(line.split()[1]) for line in _lines(PROC / "meminfo") if line.startswith("MemTotal")), 0)
    return (
        f"{os.cpu_count()} × {model or platform.machine()}, {total / 2**20:.0f} GB, Python {platform.python_version()}"
    )


def family(root: int) -> list[int]:
    """A process and its living descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for pid, fields in _processes():
        children[int(fields[1])].append(pid)
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children[found[-1]]
    return found


def cpu_seconds(root: int) -> float:
    """CPU seconds of a process and its descendants, also of ended ones that their parent has waited for."""
    members = set(family(root))
    return sum(sum(map(int, fields[11:15])) for pid, fields in _processes() if pid in members) / TICKS


def memory_kb(root: int) -> int:
    """Proportional set sizes of a process and its descendants: shared memory counts once."""
    return sum(_pss(pid) for pid in family(root))


@contextmanager
def watched(roots: Mapping[str, int]) -> Iterator[dict[str, float]]:
    """Average number of cores that each root kept busy; filled in at the end."""
    cores: dict[str, float] = {}
    before, began = {name: cpu_seconds(pid) for name, pid in roots.items()}, monotonic()
    yield cores
    lasted = monotonic() - began
    cores |= {name: (cpu_seconds(pid) - before[name]) / lasted for name, pid in roots.items()}


def busy(cores: Mapping[str, float]) -> str:
    return "cores busy: " + ", ".join(f"{name} {share:.2f}" for name, share in cores.items())


def _pss(pid: int) -> int:
    lines = _lines(PROC / str(pid) / "smaps_rollup")
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _processes() -> Iterator[tuple[int, list[str]]]:
    """The fields of /proc/PID/stat after the name: state, parent, …"""
    for path in PROC.glob("[0-9]*"):
        with suppress(OSError, IndexError):
            yield int(path.name), (path / "stat").read_text().rpartition(")")[2].split()


def _lines(path: Path) -> list[str]:
    with suppress(OSError):
        return path.read_text().splitlines()
    return []
