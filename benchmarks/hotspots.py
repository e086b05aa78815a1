"""Profiles processes with py-spy: one line that names the code that uses the CPU."""

import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which
from threading import Thread
from typing import Final

RATE: Final = 200
SHOWN: Final = 5
Stacks = Counter[tuple[str, ...]]


def named_by_profile(pids: Sequence[int], *, seconds: float, load: Callable[[], object]) -> str:
    """Profiles while `load` runs; says so if py-spy is not installed or not permitted."""
    program = which("py-spy") or which(str(Path(sys.executable).with_name("py-spy")))
    if program is None:
        return "no profile: py-spy is not installed"
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, str(pid)) for pid in pids]
        spies = [_spy(program, pid, file, seconds) for pid, file in zip(pids, files, strict=True)]
        running = Thread(target=load)
        running.start()
        for spy in spies:
            spy.wait()
        running.join()
        stacks: Stacks = sum((parsed(file.read_text()) for file in files if file.exists()), Counter())
    return told(stacks) if stacks else "no profile: py-spy saw nothing"


def parsed(raw: str) -> Stacks:
    """Parses py-spy's raw format: frames, outermost first, separated by semicolons, and how often they were seen."""
    stacks: Stacks = Counter()
    for line in raw.splitlines():
        frames, _, count = line.rpartition(" ")
        if count.isdecimal():
            stacks[tuple(frames.split(";"))] += int(count)
    return stacks


def told(stacks: Stacks) -> str:
    """The packages whose code ran (innermost frames), and our own functions in which most of that began."""
    whole = stacks.total()
    packages: Counter[str] = Counter()
    ours: Counter[str] = Counter()
    for frames, count in stacks.items():
        packages[package(frames[-1])] += count
        for frame in {_function(frame) for frame in frames if _is_ours(frame)}:
            ours[frame] += count
    return f"{_shares(packages, whole)}; beneath {_shares(ours, whole)}" if ours else _shares(packages, whole)


def package(frame: str) -> str:
    """`execute (django/db/backends/utils.py:105)` is in django/db; the interpreter's modules are in python."""
    place = frame.rpartition("(")[2].rstrip(")").partition(":")[0]
    parts = place.split("/")
    if len(parts) == 1:
        return "python"
    return "/".join(parts[:2]) if parts[0] == "django" and len(parts) > 2 else parts[0]


def _is_ours(frame: str) -> bool:
    return package(frame) in {"gateway", "transactions", "smallcases", "brokers", "webhooks"}


def _function(frame: str) -> str:
    name, _, place = frame.partition(" (")
    return f"{place.partition(':')[0].rstrip(')')}:{name}"


def _shares(counts: Counter[str], whole: int) -> str:
    return ", ".join(f"{name} {count / whole:.0%}" for name, count in counts.most_common(SHOWN))


def _spy(program: str, pid: int, file: Path, seconds: float) -> "subprocess.Popen[bytes]":
    options = ["--subprocesses", "--nonblocking", "--format", "raw", "--rate", str(RATE), "--output", str(file)]
    command = [program, "record", "--pid", str(pid), "--duration", str(max(1, round(seconds))), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
