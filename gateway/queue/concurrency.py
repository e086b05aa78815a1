"""Limits what one remote peer (a broker, a webhook endpoint) costs the others: calls in flight, and circuit breakers.

Threads are limited, a healthy peer should be called often, and only afterwards is it known whether a peer answers. So
a slow call no longer counts against the room for other peers, and its peer gets no more calls until it finishes. An
unknown or failing peer gets few calls at a time. A peer that cannot be reached gets none, but one probe now and then.
Nothing here reads a clock: times are seconds of one clock that the caller chooses.
"""

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

Peer = TypeVar("Peer", bound=Hashable)

OPENS_AFTER: Final = 5  # failures in a row
FIRST_WAIT: Final = 1.0
LONGEST_WAIT: Final = 30.0
LONGEST_ASKED_WAIT: Final = 600.0  # a peer that asks for more is probed all the same
PROBE_SECONDS: Final = 15.0  # longer than any call takes: a process that does not end its probe has died


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls in flight at once: of the process, of those the young ones, and of each peer by its health."""

    at_once: int = 256
    young_at_once: int = 64
    slow_after: float = 0.25  # seconds; a younger call is young
    healthy: int = 32
    unknown: int = 4
    failing: int = 1


@dataclass
class PeerConcurrency(Generic[Peer]):
    """The calls in flight of one process, and which peers are healthy or failing."""

    limits: Limits = Limits()
    in_flight: dict[Peer, list[float]] = field(default_factory=lambda: defaultdict(list))
    healthy: set[Peer] = field(default_factory=set)
    failing: set[Peer] = field(default_factory=set)

    def room(self, now: float) -> int:
        """How many more calls may start."""
        started = [moment for moments in self.in_flight.values() for moment in moments]
        young = sum(1 for moment in started if now - moment < self.limits.slow_after)
        return max(0, min(self.limits.young_at_once - young, self.limits.at_once - len(started)))

    def has_young(self, now: float) -> bool:
        return any(now - moments[-1] < self.limits.slow_after for moments in self.in_flight.values())

    def full(self, now: float) -> set[Peer]:
        """Peers that may not get another call now."""
        return {peer for peer in self.in_flight if not self.admits(peer, now)}

    def admits(self, peer: Peer, now: float) -> bool:
        """Whether the peer may get another call now, if there is room."""
        moments = self.in_flight.get(peer)
        return not moments or (now - moments[0] < self.limits.slow_after and len(moments) < self.limit(peer))

    def limit(self, peer: Peer) -> int:
        """How many calls the peer may have in flight, if none of them is slow."""
        if peer in self.failing:
            return self.limits.failing
        return self.limits.healthy if peer in self.healthy else self.limits.unknown

    def start(self, peer: Peer, now: float) -> None:
        self.in_flight[peer].append(now)

    def finish(self, peer: Peer, *, since: float) -> None:
        """Removes the call that started at `since`."""
        self.in_flight[peer].remove(since)
        if not self.in_flight[peer]:
            del self.in_flight[peer]

    def mark_failing(self, peer: Peer, *, is_failing: bool) -> None:
        """From the peer's last answer, or its row. Only peers that answered this process count as healthy."""
        if is_failing:
            self.failing.add(peer)
            self.healthy.discard(peer)
        else:
            self.failing.discard(peer)

    def mark_healthy(self, peer: Peer) -> None:
        """The peer answered as it should."""
        self.failing.discard(peer)
        self.healthy.add(peer)


@dataclass(frozen=True, slots=True)
class Circuit:
    """A peer's circuit breaker, as a value: closed, or open with one probe at a time.

    `failures` in a row; `wait` before the next probe, doubled by each failed one; `probe_at`: when it may start, or
    until when the present one may last. A closed circuit has no `probe_at`.
    """

    failures: int = 0
    wait: float = 0.0
    probe_at: float | None = None
    is_probing: bool = False

    @property
    def is_open(self) -> bool:
        return self.probe_at is not None

    def may_call(self, now: float) -> bool:
        return self.probe_at is None or now >= self.probe_at

    def probing(self, now: float) -> "Circuit":
        """The probe has started. If it never ends, another may start after PROBE_SECONDS."""
        return replace(self, probe_at=now + PROBE_SECONDS, is_probing=True)

    def after_failure(self, now: float, *, asked_wait: float = 0.0) -> "Circuit":
        """The peer could not be reached. `asked_wait`: how long it asks to be left alone, which opens at once.

        Calls that began before the circuit opened say nothing new: only a probe makes the wait longer.
        """
        failures = self.failures + 1
        if self.is_open and not self.is_probing:
            return self
        if not self.is_open and failures < OPENS_AFTER and not asked_wait:
            return Circuit(failures)
        wait = min(max(FIRST_WAIT, 2 * self.wait), LONGEST_WAIT)
        return Circuit(failures, wait, now + max(wait, min(asked_wait, LONGEST_ASKED_WAIT)))


CLOSED: Final = Circuit()  # also after any answer
