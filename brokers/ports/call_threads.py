"""Threads that call brokers. They use no database of their own: an adapter that keeps its books there must know."""

from concurrent.futures import ThreadPoolExecutor
from threading import local

_thread = local()


def call_threads(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, thread_name_prefix="broker-call", initializer=_mark)


def is_call_thread() -> bool:
    return getattr(_thread, "is_marked", False)


def _mark() -> None:
    _thread.is_marked = True
