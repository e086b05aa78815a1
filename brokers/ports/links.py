"""Links: each call of a broker's adapter is limited, timed and counted here. A link is a gateway and a broker.

Forces: a broker that hangs must hold neither the web's threads nor the workers', and must not be asked by every
process all the time; a broker that answers must refuse nobody because many come at once. So a user's question (login,
funds, holdings) waits a moment for its turn, and is answered at once if a call before it is slow. A link that fails is
asked only by probes, whichever process sends them (outages). Adapters may be called from threads without a database;
the caller's own thread saves what has changed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, RLock
from time import monotonic
from typing import Final, TypeVar

from django.conf import settings

from brokers.ports import outages
from brokers.ports.broker import LoginEnded, Refused, SessionEnded, Unreachable, Verb
from brokers.ports.outages import Link
from gateway.partners import clock
from gateway.queue.concurrency import CLOSED, Circuit, Limits, PeerConcurrency
from gateway.telemetry import metrics

T = TypeVar("T")
# Of a web process's threads, users' questions hold three quarters at most, half of those of one broker.
_THREADS: Final = settings.WEB_THREADS
USERS_OF_A_BROKER: Final = max(2, _THREADS // 2)
USERS: Final = Limits(
    at_once=max(3, 3 * _THREADS // 4),
    young_at_once=max(3, 3 * _THREADS // 4),
    slow_after=1.0,
    healthy=max(2, _THREADS // 4),
    unknown=max(2, _THREADS // 4),
)

TURN_WITHIN: Final = 1.0  # seconds that a user's question waits for its turn


class NotAsked(Unreachable):
    """The broker was not asked: its link is down, or enough users wait for it already."""

    def __init__(self, link: Link) -> None:
        super().__init__(f"{link[1]} isn't responding.", may_have_arrived=False)


@dataclass
class Links:
    """The links as this process knows them.

    `circuits`: those with failures; `known`: those that are open for all processes, as their rows were last seen.
    `probes`: links that the next call of this process probes. `unsaved`: why other processes should hear of a link.
    """

    circuits: dict[Link, Circuit] = field(default_factory=dict)
    known: dict[Link, Circuit] = field(default_factory=dict)
    probes: set[Link] = field(default_factory=set)
    unsaved: dict[Link, str] = field(default_factory=dict)
    users: PeerConcurrency[Link] = field(default_factory=lambda: PeerConcurrency(USERS))
    lock: RLock = field(default_factory=RLock)
    turns: Condition = field(init=False)

    def __post_init__(self) -> None:
        self.turns = Condition(self.lock)

    def ask_for_user(self, link: Link, verb: Verb, question: Callable[[], T]) -> T:
        """As `ask`, for a user who waits, and with the database. Raises NotAsked also if too many wait already."""
        since = self._take_place(link)
        try:
            self._learn(link, outages.circuit_at(link))
            self.may_ask(link)
            return self.ask(link, verb, question)
        finally:
            with self.turns:
                self.users.finish(link, since=since)
                self.turns.notify_all()
            self.save()

    def ask(self, link: Link, verb: Verb, question: Callable[[], T]) -> T:
        """The answer. Raises NotAsked if the link is down. Safe in any thread; the caller's process calls `save`."""
        self._enter(link)
        began = monotonic()
        outcome: metrics.BrokerOutcome = "failed"  # by a mistake of the adapter
        try:
            answer = question()
        except Unreachable as error:
            outcome = "unreachable"
            self._mark_failing(link, error)
            raise
        except (Refused, LoginEnded, SessionEnded) as error:
            outcome = "session_ended" if isinstance(error, SessionEnded) else "refused"
            self._mark_healthy(link)
            raise
        else:
            outcome = "answered"
            self._mark_healthy(link)
            return answer
        finally:
            metrics.broker_called(broker=link[1], verb=verb, outcome=outcome, seconds=monotonic() - began)

    def refresh(self) -> None:
        """Learns of all outages."""
        rows = outages.circuits()
        for link in {*rows, *self.known}:
            self._learn(link, rows.get(link))

    def is_down(self, link: Link) -> bool:
        """Whether nobody may ask the link now; False if a probe is free."""
        return not self.circuits.get(link, CLOSED).may_call(_now())

    def is_failing(self, link: Link) -> bool:
        """Whether the link's last call failed."""
        return link in self.circuits

    def may_ask(self, link: Link) -> bool:
        """Whether the link works, or this process now holds its probe: then its next call is the probe."""
        known, now = self.known.get(link), _now()
        if known is None or not known.is_open:
            return True
        probing = known.may_call(now) and outages.claim_probe(link, known, now=now)
        if not probing:
            self._learn(link, outages.circuit_at(link))
            return False
        with self.lock:
            self.circuits[link] = self.known[link] = probing
            self.probes.add(link)
        return True

    def save(self) -> None:
        """Tells the other processes. A change that cannot be saved is lost, and found again by a later call."""
        while self.unsaved:
            with self.lock:
                link, reason = self.unsaved.popitem()
                circuit, known = self.circuits.get(link, CLOSED), self.known.pop(link, None)
                if circuit.is_open:
                    self.known[link] = circuit
            if not circuit.is_open:
                outages.end(link)
            elif known is None:
                outages.start(link, circuit, reason=reason, now=_now())
            else:
                outages.end_probe(link, known, circuit, reason=reason)

    def _learn(self, link: Link, row: Circuit | None) -> None:
        with self.lock:
            if link in self.unsaved:
                return
            if row is None:
                if self.known.pop(link, None):
                    self.circuits.pop(link, None)
            elif self.circuits.get(link, CLOSED).probe_at != row.probe_at:
                self.circuits[link] = self.known[link] = row
                self.probes.discard(link)

    def _take_place(self, link: Link) -> float:
        """When the call starts. Raises NotAsked if a call of the link is slow, or the turn does not come in time."""
        until = monotonic() + TURN_WITHIN
        with self.turns:
            while not self._has_place(link, now := monotonic()):
                slow = any(now - began >= USERS.slow_after for began in self.users.in_flight.get(link, ()))
                if slow or now >= until or link in self.circuits:
                    raise NotAsked(link)
                self.turns.wait(until - now)
            self.users.start(link, now)
        return now

    def _has_place(self, link: Link, now: float) -> bool:
        of_broker = sum(len(calls) for (_, broker), calls in self.users.in_flight.items() if broker == link[1])
        return of_broker < USERS_OF_A_BROKER and self.users.room(now) > 0 and self.users.admits(link, now)

    def _enter(self, link: Link) -> None:
        with self.lock:
            if self.circuits.get(link, CLOSED).is_open:
                if link not in self.probes:
                    raise NotAsked(link)
                self.probes.remove(link)

    def _mark_failing(self, link: Link, error: Unreachable) -> None:
        asked = error.retry_after.total_seconds() if error.retry_after else 0.0
        with self.lock:
            self.users.mark_failing(link, is_failing=True)
            before = self.circuits.get(link, CLOSED)
            circuit = self.circuits[link] = before.after_failure(_now(), asked_wait=asked)
            if circuit.is_open and circuit != before:
                self.unsaved[link] = str(error)

    def _mark_healthy(self, link: Link) -> None:
        with self.lock:
            self.users.mark_healthy(link)
            if self.circuits.pop(link, CLOSED).is_open:
                self.unsaved[link] = ""


links: Final = Links()


def _now() -> float:
    """Real time, as in the rows."""
    return clock.wall().timestamp()
