"""A server that hangs: stopped where it stands, its sockets open, with all that it has started."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers import Server


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The process continues afterwards, however the test ends."""
    pids = _family(server.pid)
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _family(pid: int) -> list[int]:
    """Parents before their children, so that none is started meanwhile."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]
