"""The simulated brokers' books are tables. Threads that call brokers share a few others that use the database.

A process may have hundreds of calls in flight, and a database has few connections. Callers in other threads, such as
a web request, use their own connection.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from django.db import close_old_connections

from brokers.ports.call_threads import is_call_thread

T = TypeVar("T")
CONNECTIONS: Final = 4  # of each worker process
_threads: Final = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="simulated-books")


def in_book_thread(act: Callable[[], T]) -> T:
    """The result of `act`, or its exception."""
    return _threads.submit(_with_a_connection, act).result() if is_call_thread() else act()


def _with_a_connection(act: Callable[[], T]) -> T:
    close_old_connections()
    return act()
