"""Calls to servers that may hang, made so that callers do not hang."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Final, Generic, TypeVar

PATIENCE_SECONDS: Final = 2.5  # of /readyz and /metrics, with all that they ask
T = TypeVar("T")


class Watched(Generic[T]):
    """Calls on a thread. While a call hangs, other callers wait for the same result instead of calling again.

    After a while a new call is made: a socket to a machine that is gone may hang for ever.
    """

    def __init__(self, ask: Callable[[], T], *, name: str, abandon_after: float = 30) -> None:
        self._ask, self._name, self._abandon_after = ask, name, abandon_after
        self._lock = Lock()
        self._asked: Future[T] | None = None
        self._since = 0.0

    def asked(self) -> "Future[T]":
        """A future for the result: `.result(seconds)` raises TimeoutError."""
        with self._lock:
            abandoned = monotonic() - self._since > self._abandon_after
            if self._asked is None or self._asked.done() or abandoned:
                self._asked, self._since = Future(), monotonic()
                Thread(target=self._answer, args=(self._asked,), name=self._name, daemon=True).start()
            return self._asked

    def _answer(self, asked: "Future[T]") -> None:
        try:
            asked.set_result(self._ask())
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is taken
            asked.set_exception(error)
