"""Another day for whole processes: libfaketime, preloaded, moves the real time that they read.

The monotonic clock stays real. If it were moved, a wait with a timeout on a lock (sem_clockwait) would last as long as
the clock is ahead: no webhook would ever be sent. The wheel's library can leave it alone; with Debian's 0.9.10,
time.sleep then fails (EINVAL). `check` refuses a library with either fault.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.programs import Program, Unobtainable, complaint

WHEEL: Final = "libfaketime==3.0.1"
NAME: Final = "libfaketime.so.1"
AHEAD: Final = re.compile(r"\+(\d+)d")
CARRIED: Final = (
    "LD_PRELOAD",
    "FAKETIME",
    "FAKETIME_DONT_FAKE_MONOTONIC",
    "FAKETIME_FORCE_MONOTONIC_FIX",
    "FAKETIME_WAIT_MS",
)
CHECK: Final = """
import sys, threading, time
began = time.monotonic()
time.sleep(0.1)
threading.Semaphore(0).acquire(timeout=0.1)
assert 0.2 <= time.monotonic() - began < 5, "waits do not last as long as they should"
assert abs(time.time() - float(sys.argv[1])) < 30, "the clock was not moved"
"""


def offset(date: str, *, now: datetime) -> timedelta:
    """Of `+40d`, or of a moment in ISO 8601 (UTC unless it says otherwise). Raises ValueError."""
    if ahead := AHEAD.fullmatch(date):
        return timedelta(days=int(ahead[1]))
    moment = datetime.fromisoformat(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def library() -> Path:
    """Installed if it is missing. Raises Unobtainable."""
    return Program((NAME,), package="faketime", wheel=WHEEL).in_wheel()


def environment(by: timedelta, *, library: Path, folder: Path) -> dict[str, str]:
    """For processes `by` ahead. All users may read `folder`, to which the library is copied. Raises Unobtainable."""
    copy = Path(shutil.copy(library, folder))
    copy.chmod(0o755)
    moved = {
        "LD_PRELOAD": str(copy),
        "FAKETIME": f"{by.total_seconds():+.0f}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FORCE_MONOTONIC_FIX": "1",
        # What pthread_cond_timedwait waits, which Python uses for the GIL alone (its switch interval is 5 ms). Left to
        # itself, libfaketime moves that deadline into the past: threads spin, and take ten times the CPU time.
        "FAKETIME_WAIT_MS": "5",
    }
    check(moved, expected=datetime.now(UTC) + by)
    return moved


def real() -> dict[str, str]:
    """The environment of a process that keeps the real clock: Chromium hangs with a preloaded one."""
    return {name: value for name, value in os.environ.items() if name not in CARRIED}


def check(moved: Mapping[str, str], *, expected: datetime) -> None:
    command = [sys.executable, "-c", CHECK, str(expected.timestamp())]
    there = {**os.environ, **moved}
    try:
        done = subprocess.run(command, check=False, env=there, capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        raise Unobtainable(f"{WHEEL}: a wait did not end") from None
    if done.returncode != 0:
        raise Unobtainable(f"{WHEEL}: {complaint(done.stderr)}")
