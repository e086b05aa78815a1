"""The simulated brokers' books are tables: threads that call brokers borrow one of a few connections.

A process may have hundreds of calls in flight, and a database has few connections. Other threads, such as those of web
requests, use their own connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import Final

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from brokers.ports.call_threads import is_call_thread

CONNECTIONS: Final = 4  # of each worker process
_idle: "Final[LifoQueue[BaseDatabaseWrapper | None]]" = LifoQueue()
for _ in range(CONNECTIONS):
    _idle.put(None)


@contextmanager
def lent_connection() -> Iterator[None]:
    """Waits until a connection is free; none is lent while the caller waits for something else."""
    if not is_call_thread():
        yield
        return
    lent = _idle.get()
    try:
        if lent is None:
            lent = connections.create_connection(DEFAULT_DB_ALIAS)
            lent.inc_thread_sharing()
        lent.close_if_unusable_or_obsolete()
        connections[DEFAULT_DB_ALIAS] = lent
        yield
    finally:
        del connections[DEFAULT_DB_ALIAS]
        _idle.put(lent)


def close_lent_connections() -> None:
    """Before the database goes; no call may be in flight."""
    for _ in range(CONNECTIONS):
        if lent := _idle.get():
            lent.close()
    for _ in range(CONNECTIONS):
        _idle.put(None)
