"""How each fault is done to a running stack, and undone."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg2  # type: ignore[import-untyped]
import redis
import requests

from tests.chaos.cast import MAIN, SACRIFICED, Member
from tests.chaos.load import BROKERS
from tests.chaos.receiver import Mood, Receiver
from tests.chaos.schedule import MACHINES, Fault, Moment
from tests.processes.stack import Stack
from tests.servers import Server

CUT: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = user"
MOODS: Final[Mapping[Fault, Mood]] = {
    Fault.PARTNER_FAILS: Mood.FAILS,
    Fault.PARTNER_BUSY: Mood.BUSY,
    Fault.PARTNER_HANGS: Mood.HANGS,
    Fault.PARTNER_RESETS: Mood.RESETS,
    Fault.PARTNER_CUTS: Mood.CUTS,
    Fault.PARTNER_DRIPS_HEADERS: Mood.DRIPS_HEADERS,
    Fault.PARTNER_DRIPS_BODY: Mood.DRIPS_BODY,
    Fault.PARTNER_LATE: Mood.LATE,
}
KILLED: Final[Mapping[Fault, str]] = {
    Fault.WEB_KILLED: "web",
    Fault.WORKER_KILLED: "worker",
    Fault.COURIER_KILLED: "dispatcher",
    Fault.BEAT_KILLED: "beat",
}
HUNG: Final[Mapping[Fault, str]] = {Fault.WORKER_HUNG: "worker", Fault.COURIER_HUNG: "dispatcher"}
# As the Sandbox API writes them.
AT_BROKERS: Final[Mapping[Fault, Sequence[str]]] = {
    Fault.BROKER_UNREACHABLE: ("unreachable",),
    Fault.BROKER_UNANSWERED: ("unanswered",),
    Fault.BROKER_SLOW: ("slow:0.3", "slow:2", "slow:9"),
    Fault.BROKER_BUSY: ("rate_limited:0.5", "rate_limited:3"),
    Fault.BROKER_ENDS_SESSIONS: ("session_ended",),
}
VERBS: Final = ("login", "funds", "holdings", "place", "order_book", "cancel")
CALLS: Final = (*((verb,) for verb in VERBS), ("place", "order_book"), VERBS)
JUMPS: Final = ("PT5M", "PT11M", "PT2H", "PT45S", "PT6H")
TRIES: Final = 40


@dataclass
class Arena:
    """What faults are done to. `applied` counts them; `missed` are those that could not be done, and why.

    `fallen` are processes that nobody had killed; they are started again, as a supervisor would.
    """

    stack: Stack
    database: Server
    members: Sequence[Member]
    receiver: Receiver
    applied: Counter[Fault] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)

    def play(self, moments: Iterable[Moment], *, began: float) -> None:
        """Each at its time, or as soon after it as the one before is over."""
        for moment in moments:
            time.sleep(max(0.0, began + moment.at - time.monotonic()))
            try:
                self._apply(moment, moment.held)
            except (OSError, psycopg2.Error, redis.RedisError, requests.RequestException, AssertionError) as error:
                self.missed.append(f"{moment.fault.value}: {type(error).__name__} {error}")
            else:
                self.applied[moment.fault] += 1
            if moment.fault in MACHINES:
                self.raise_fallen()

    def raise_fallen(self) -> None:
        for name, process in list(self.stack.processes.running.items()):
            if (code := process.poll()) is not None:
                self.fallen.append(f"{name} ended by itself with {code}")
                self._kill(name, 0.0)

    def heal(self) -> None:
        """Everything runs and everybody is well; what has survived so far is left as it is."""
        for place in self.receiver.moods:
            self.receiver.moods[place] = Mood.FINE
        for server in (self.database, self.stack.queue):
            server.start()
        self.raise_fallen()
        self.stack.revive()
        for member in self.members:
            for broker in BROKERS:
                self._insist(member, "DELETE", f"/sandbox/{{gateway}}/brokers/{broker}/faults")

    def _apply(self, moment: Moment, held: float) -> None:
        fault, member = moment.fault, self.members[moment.partner]
        if fault in MOODS:
            self._in_a_mood([one.place(MAIN) for one in self.members], MOODS[fault], held + 1.5)
        elif fault in KILLED:
            self._kill(KILLED[fault], held)
        elif fault in HUNG:
            self._hang(HUNG[fault], held)
        elif fault in AT_BROKERS:
            self._disturb(member, held, moment)
        else:
            self._others()[fault](member, held, moment)

    def _others(self) -> "Mapping[Fault, Callable[[Member, float, Moment], None]]":
        queue, database = self.stack.queue, self.database
        return {
            Fault.REDIS_STOPPED: lambda _, held, __: _away(queue.stop, queue.start, held),
            Fault.REDIS_KILLED: lambda _, held, __: _away(queue.kill, queue.start, held),
            Fault.REDIS_EMPTIED: lambda *_: self.stack.empty_queue(),
            Fault.REDIS_HUNG: lambda _, held, __: _frozen(queue, held),
            Fault.POSTGRES_RESTARTED: lambda _, held, __: _away(database.stop, database.start, held),
            Fault.POSTGRES_KILLED: lambda _, held, __: _away(database.kill, database.start, held),
            Fault.CONNECTIONS_CUT: lambda *_: self._cut(),
            Fault.PARTNER_GONE: lambda member, held, _: self._in_a_mood([member.place(SACRIFICED)], Mood.GONE, held),
            Fault.CLOCK_JUMP: self._jump,
            Fault.MARKET_CLOSED: self._close_market,
            Fault.PRICE_MOVES: self._move_price,
        }

    def _kill(self, name: str, held: float) -> None:
        self.stack.kill(name)
        time.sleep(held)
        self.stack.processes.start(name, self.stack.command(name))

    def _hang(self, name: str, held: float) -> None:
        self.stack.processes.pause(name)
        time.sleep(held)
        self.stack.processes.resume(name)

    def _cut(self) -> None:
        self.stack.ask(CUT)

    def _in_a_mood(self, places: Sequence[str], mood: Mood, held: float) -> None:
        """Who is gone stays so."""
        self.receiver.moods.update(dict.fromkeys(places, mood))
        time.sleep(held)
        if mood is not Mood.GONE:
            self.receiver.moods.update(dict.fromkeys(places, Mood.FINE))

    def _jump(self, member: Member, _: float, moment: Moment) -> None:
        self._insist(member, "POST", "/sandbox/{gateway}/clock", {"advance": JUMPS[int(moment.at * 10) % len(JUMPS)]})

    def _close_market(self, member: Member, held: float, _: Moment) -> None:
        self._insist(member, "POST", "/sandbox/{gateway}/market", {"hours": "closed"})
        time.sleep(held)
        self._insist(member, "POST", "/sandbox/{gateway}/market", {"hours": "always"})

    def _move_price(self, member: Member, held: float, _: Moment) -> None:
        self._insist(member, "PUT", "/sandbox/{gateway}/prices/INFY", {"price": 990})
        time.sleep(held)
        self._insist(member, "DELETE", "/sandbox/{gateway}/prices/INFY")

    def _disturb(self, member: Member, held: float, moment: Moment) -> None:
        """One broker's calls of some verbs, and longer than one of them takes."""
        chance = random.Random(moment.at)
        path = f"/sandbox/{{gateway}}/brokers/{chance.choice(BROKERS)}/faults"
        fault, verbs = chance.choice(AT_BROKERS[moment.fault]), chance.choice(CALLS)
        self._insist(member, "PUT", path, dict.fromkeys(verbs, fault))
        time.sleep(held)
        self._insist(member, "PUT", path, dict.fromkeys(verbs))

    def _insist(self, member: Member, method: str, path: str, body: Any = None) -> None:
        """Repeats the request until it succeeds: other faults continue meanwhile, and every setting must be undone."""
        for _ in range(TRIES):
            with suppress(requests.RequestException, ValueError):
                if member.on(self.stack.base).call(method, path, body).status == 200:
                    return
            time.sleep(0.5)
        raise AssertionError(f"{method} {path} never succeeded.")


def _away(leave: Callable[[], None], come_back: Callable[[], None], held: float) -> None:
    leave()
    time.sleep(held)
    come_back()


def _frozen(server: Server, held: float) -> None:
    with server.frozen():
        time.sleep(held)
