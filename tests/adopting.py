"""Runs a command and adopts the processes that it leaves: they are waited for, and so their time is counted.

A process whose parent has died would belong to init, and its processor time to nobody. What still runs in the end is
named and killed.

usage: python -m tests.adopting COMMAND …
"""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

IS_LINUX: Final = sys.platform == "linux"
DIES_WITH_ITS_PARENT: Final = 1  # PR_SET_PDEATHSIG
ADOPTS: Final = 36  # PR_SET_CHILD_SUBREAPER
GRACE: Final = 10.0  # seconds, for shells that tidy up after a killed parent


def main(command: Sequence[str]) -> int:
    """The command's exit code, or 1 if it left processes running. SIGTERM reaches it as a Ctrl-C would."""
    _prctl(ADOPTS, 1)
    child = os.fork()
    if child == 0:
        _prctl(DIES_WITH_ITS_PARENT, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell ignores it for what it starts in the background
        os.execvp(command[0], list(command))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGINT))
    while (ended := os.wait())[0] != child:
        pass
    tidy = _all_ended()
    return os.waitstatus_to_exitcode(ended[1]) or int(not tidy)


def _all_ended() -> bool:
    give_up_at = time.monotonic() + GRACE
    while _reap() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    left = False
    while children := _children():  # whatever a killed one has started is ours next
        left = True
        for pid in children:
            print(f"Left running, and killed: {_command_of(pid)}", flush=True)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return not left


def _reap() -> bool:
    """Whether any is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _children() -> list[int]:
    return [int(one.name) for one in Path("/proc").glob("[0-9]*") if _parent_of(one) == os.getpid()]


def _parent_of(process: Path) -> int:
    """0 for one that is gone."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()


def _prctl(option: int, value: int) -> None:
    if IS_LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
