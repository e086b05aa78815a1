"""Threads that post: a few take turns at a crowd for who answers at once, and any other post has one of its own.

Forces: threads that are many wait for each other, which costs half as much as a post; one that waits for an answer does
nothing else; who answers at once today may hang tomorrow, and then nobody may be kept waiting behind it. So few posts
to an endpoint are never made to take turns, and what the few are stuck with is taken from them.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from webhooks.client import CONNECTIONS_KEPT, Answer
from webhooks.lanes import AT_ONCE

FEW: Final = CONNECTIONS_KEPT
SWIFT_MS: Final = 5  # with FEW threads that is still 800 posts a second
STUCK_AFTER: Final = 0.1  # seconds


def _threads(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, thread_name_prefix="courier")


@dataclass
class Hands:
    """One process's. Endpoints by id; moments in seconds of the monotonic clock.

    `given` is what the few were given, the oldest first, and when; `moved` is when they last had anything done.
    """

    many: ThreadPoolExecutor = field(default_factory=lambda: _threads(AT_ONCE))
    few: ThreadPoolExecutor = field(default_factory=lambda: _threads(FEW))
    swift: set[int] = field(default_factory=set)
    given: "dict[Future[Answer], float]" = field(default_factory=dict)
    moved: float = 0.0

    def give(self, endpoint: int, post: Callable[[], Answer], *, in_flight: int) -> "Future[Answer]":
        """`in_flight`: how many there are to this endpoint, this one included."""
        if endpoint not in self.swift or in_flight <= FEW:
            return self.many.submit(post)
        future = self.few.submit(post)
        self.given[future] = time.monotonic()
        future.add_done_callback(self._move)
        return future

    def learn(self, endpoint: int, future: "Future[Answer]") -> None:
        """From its last answer, which was waited for in `future`."""
        self.given.pop(future, None)
        if future.exception() is None and future.result().duration_ms <= SWIFT_MS:
            self.swift.add(endpoint)
        else:
            self.swift.discard(endpoint)

    def are_stuck(self, now: float) -> bool:
        """Nothing gets done of what the few were given: all of them wait for somebody who is swift no more."""
        oldest = next((moment for future, moment in self.given.items() if not future.done()), now)
        return now - max(oldest, self.moved) >= STUCK_AFTER

    def let_go(self) -> "list[Future[Answer]]":
        """What had not begun, cancelled; what has begun ends as it may. Who is swift has to be learned again."""
        self.few.shutdown(wait=False, cancel_futures=True)
        self.few = _threads(FEW)
        cancelled = [future for future in self.given if future.cancelled()]
        self.given.clear()
        self.swift.clear()
        return cancelled

    def _move(self, _: "Future[Any]") -> None:
        """In the thread that posted."""
        self.moved = time.monotonic()
