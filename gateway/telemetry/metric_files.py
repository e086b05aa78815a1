"""Files with the counts of all processes of a machine, so that any process can report the sum.

prometheus-client maps a file per process into memory. Its own files do not serve here, for two reasons:

- It names them by process id. `mark_process_dead` deletes only the files of live gauges, and there are none. Files with
  counters stay, because deleting them lowers the sums. So each restart and each command would add files for ever.
- It makes them sparse. On a full disk the next count ends the process (SIGBUS).

Here a process takes the first slot that no living process holds, and continues its counts. A slot's files are written
out before they are used. The slot is prometheus-client's own `process_identifier`; nothing else of it is replaced.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO, Final

DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
KINDS: Final = ("counter", "histogram", "summary")
# More than the metrics of this gateway need with a thousand endpoints; a file that grows beyond it is sparse.
FILE_BYTES: Final = 1 << 20
RETRY_SECONDS: Final = 30
log = logging.getLogger(__name__)


class MetricSlot:
    """Call it for the number of this process's slot; after a fork, the child gets its own."""

    def __init__(self) -> None:
        self._owner, self._number = os.getpid(), "none"
        self._held: IO[bytes] | None = None
        self._failed = -float(RETRY_SECONDS)

    def release(self) -> None:
        """Gives the slot up; the next call claims one."""
        self._owner = 0
        if self._held is not None:
            self._held.close()

    def __call__(self) -> str:
        """Raises OSError if the files are unavailable, and then does not try again for a while."""
        if self._owner != os.getpid():
            self._number = self._claimed()
            self._owner = os.getpid()
        return self._number

    def _claimed(self) -> str:
        if time.monotonic() - self._failed < RETRY_SECONDS:
            raise OSError("Metrics are not counted.")
        try:
            return self._claim(directory())
        except OSError as error:
            self._failed = time.monotonic()
            log.warning("Metrics of this process are not counted: %s", error)
            raise

    def _claim(self, where: Path) -> str:
        where.mkdir(parents=True, exist_ok=True)
        number, held = next(_free(where))
        try:
            for path in _files(where, number):
                _write_out(path)
        except OSError:
            held.close()
            raise
        if self._held is not None:
            self._held.close()  # inherited from the parent by the fork
        self._held = held
        return str(number)


def directory() -> Path:
    return Path(os.environ[DIRECTORY])


def clear() -> None:
    """Deletes the counts of ended processes; those of living processes stay."""
    for lock in directory().glob("*.lock"):
        held = _held(lock)
        if held is not None:
            with held:
                for path in _files(lock.parent, int(lock.stem)):
                    path.unlink(missing_ok=True)


def _free(where: Path) -> Iterator[tuple[int, IO[bytes]]]:
    for number in count():
        held = _held(where / f"{number}.lock")
        if held is not None:
            yield number, held


def _held(path: Path) -> IO[bytes] | None:
    """The open file holds the lock; None if another process has it. The system releases it however the process ends."""
    lock = path.open("ab")
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    lock.close()
    return None


def _files(where: Path, number: int) -> Iterator[Path]:
    yield from (where / f"{kind}_{number}.db" for kind in KINDS)


def _write_out(path: Path) -> None:
    """Allocates the file completely or not at all: a reader of the directory never finds an empty file."""
    if path.exists():
        return
    draft = path.with_suffix(".draft")
    try:
        draft.write_bytes(bytes(FILE_BYTES))
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
