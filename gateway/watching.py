"""Questions to a server that may hang, asked so that nobody hangs with it."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


class Watched(Generic[T]):
    """Asks on a thread of its own. While that hangs nobody asks again: those who come meanwhile share its answer."""

    def __init__(self, ask: Callable[[], T], *, name: str) -> None:
        self._ask, self._name = ask, name
        self._lock = Lock()
        self._asked: Future[T] | None = None

    def asked(self) -> "Future[T]":
        """Of an answer that is coming, or has to be waited for: `.result(seconds)` raises TimeoutError."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = Future()
                Thread(target=self._answer, args=(self._asked,), name=self._name, daemon=True).start()
            return self._asked

    def _answer(self, asked: "Future[T]") -> None:
        try:
            asked.set_result(self._ask())
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is taken
            asked.set_exception(error)
