"""Calls of brokers in flight. A process has many at once, in threads; one thread starts them and uses the database.

A link is a gateway and a broker. Each link has limits of its own, and is not called while it is down
(brokers.ports.links), so a broker that hangs costs the others nothing. With room for one call, calls run in the
caller's thread: SQLite has one writer, and the simulated brokers keep their books there.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final, TypeAlias

from brokers.ports.broker import Refused, SessionEnded, Unreachable
from brokers.ports.call_threads import call_threads
from brokers.ports.links import links
from brokers.ports.outages import Link
from gateway.queue.concurrency import Limits, PeerConcurrency
from gateway.queue.worker_processes import WorkerProcesses

Question: TypeAlias = Callable[[], object]
GATHER_SECONDS: Final = 0.03
# An adapter limits its calls to CALL_LIMIT. A call that lasts longer than this is not waited for.
GIVE_UP_SECONDS: Final = 15.0
SLOW_AFTER: Final = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a call about `subject`: the broker's answer, or the exception that the adapter has raised."""

    subject: object
    result: object
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class Call:
    link: Link
    subject: object
    since: float


def _limits(at_once: int, per_link: int) -> Limits:
    """One link has three quarters of the process's calls at most, and a quarter until its broker has answered."""
    healthy, unknown = (max(1, min(calls, per_link)) for calls in (at_once * 3 // 4, at_once // 4))
    return Limits(at_once=at_once, young_at_once=at_once, slow_after=SLOW_AFTER, healthy=healthy, unknown=unknown)


@dataclass
class BrokerCalls:
    """The calls of one process; `at_once` of them at most, and `per_link` of all processes together."""

    at_once: int
    per_link: int = 256
    processes: WorkerProcesses = field(default_factory=WorkerProcesses)
    in_flight: "dict[Future[object], Call]" = field(default_factory=dict)
    ended: "SimpleQueue[Future[object]]" = field(default_factory=SimpleQueue)
    concurrency: PeerConcurrency[Link] = field(init=False)
    threads: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.concurrency = PeerConcurrency(_limits(self.at_once, self.per_link))
        self.threads = call_threads(self.at_once)

    def share(self, *, now: datetime) -> None:
        """Takes this process's share of each link's calls. Processes with one call at a time share none."""
        if self.at_once > 1:
            self.processes.beat(now=now)
            self.concurrency.limits = _limits(self.at_once, self.processes.share_of(self.per_link))

    def admits(self, link: Link) -> bool:
        now = monotonic()
        return not links.is_down(link) and self.concurrency.room(now) > 0 and self.concurrency.admits(link, now)

    def free(self, link: Link) -> int:
        """How many calls the link may have besides those in flight."""
        return self.concurrency.limit(link) - len(self.concurrency.in_flight.get(link, ()))

    def has_slow(self) -> bool:
        return bool(self.in_flight) and not all(monotonic() - c.since < SLOW_AFTER for c in self.in_flight.values())

    def reserve(self, link: Link) -> float | None:
        """Counts a call as in flight, before it is started or released; None if the link admits none.

        The first call of a link that is down is the probe, if no other process has claimed it.
        """
        if not (self.admits(link) and links.may_ask(link)):
            return None
        now = monotonic()
        self.concurrency.start(link, now)
        return now

    def release(self, link: Link, since: float) -> None:
        self.concurrency.finish(link, since=since)

    def start(self, link: Link, since: float, subject: object, question: Question) -> None:
        with ExitStack() as failing:
            failing.callback(self.release, link, since)
            future = _answered(question) if self.at_once == 1 else self.threads.submit(question)
            failing.pop_all()
        self.in_flight[future] = Call(link, subject, since)
        future.add_done_callback(self.ended.put)

    def answers(self, *, wait: float) -> list[Answer]:
        """Of the calls that end within `wait`, and of those that last too long."""
        found = [self._end(future) for future in [*self._ended(wait), *self._given_up()] if future in self.in_flight]
        links.save()
        return found

    def _ended(self, wait: float) -> "Iterator[Future[object]]":
        """Answers that are late are not waited for, nor those of a link that fails: others would be late, too."""
        now = monotonic()
        until, young = now + wait, sum(self._is_soon(call, now) for call in self.in_flight.values())
        with suppress(Empty):
            for _ in range(max(1, young)):
                yield self.ended.get(timeout=max(0.0, until - monotonic()))

    def _is_soon(self, call: Call, now: float) -> bool:
        return now - call.since < SLOW_AFTER and call.link not in self.concurrency.failing

    def _given_up(self) -> "list[Future[object]]":
        now = monotonic()
        return [future for future, call in self.in_flight.items() if now - call.since > GIVE_UP_SECONDS]

    def _end(self, future: "Future[object]") -> Answer:
        call = self.in_flight.pop(future)
        self.concurrency.finish(call.link, since=call.since)
        if not future.done():
            error: BaseException | None = Unreachable("The call did not end in time.")
        else:
            error = future.exception()
        self._judge(call.link, error)
        return Answer(call.subject, None if error else future.result(), error)

    def _judge(self, link: Link, error: BaseException | None) -> None:
        """Any answer shows that the broker works, a refusal too."""
        if isinstance(error, Unreachable):
            self.concurrency.mark_failing(link, is_failing=True)
        else:
            self.concurrency.mark_healthy(link)


def _answered(question: Question) -> "Future[object]":
    """In this thread. An adapter's mistake is raised here; a thread of the pool keeps it for the answer."""
    future: Future[object] = Future()
    try:
        future.set_result(question())
    except (Refused, Unreachable, SessionEnded) as error:
        future.set_exception(error)
    return future
