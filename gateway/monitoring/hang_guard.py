"""Questions to a server that may hang, asked so that nobody hangs with it."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Final, Generic, TypeVar

PATIENCE_SECONDS: Final = 2.5  # of /readyz and /metrics, with all that they ask
T = TypeVar("T")


class Watched(Generic[T]):
    """Asks on a thread of its own. While that hangs, those who come share its answer, and nobody asks again.

    Not for ever: a server whose machine is gone may leave a socket that never says so.
    """

    def __init__(self, ask: Callable[[], T], *, name: str, abandon_after: float = 30) -> None:
        self._ask, self._name, self._abandon_after = ask, name, abandon_after
        self._lock = Lock()
        self._asked: Future[T] | None = None
        self._since = 0.0

    def asked(self) -> "Future[T]":
        """Of an answer that is coming, or has to be waited for: `.result(seconds)` raises TimeoutError."""
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
