"""Which fault comes when: by the seed alone, so that a run can be played again."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """The values are what the table shows."""

    WEB_KILLED = "web killed (SIGKILL)"
    WORKER_KILLED = "worker killed (SIGKILL)"
    COURIER_KILLED = "dispatcher killed (SIGKILL)"
    BEAT_KILLED = "beat killed (SIGKILL)"
    WORKER_HUNG = "worker hung, then continued (SIGSTOP)"
    COURIER_HUNG = "dispatcher hung, then continued (SIGSTOP)"
    REDIS_STOPPED = "Redis stopped, started empty"
    REDIS_KILLED = "Redis killed (SIGKILL), started empty"
    REDIS_EMPTIED = "Redis emptied (FLUSHALL)"
    REDIS_HUNG = "Redis hung, then continued (SIGSTOP)"
    POSTGRES_RESTARTED = "PostgreSQL restarted (fast)"
    POSTGRES_KILLED = "PostgreSQL killed (SIGKILL), restarted"
    CONNECTIONS_CUT = "database connections cut"
    PARTNER_FAILS = "partner answers 500"
    PARTNER_BUSY = "partner answers 429 with Retry-After"
    PARTNER_HANGS = "partner never answers"
    PARTNER_RESETS = "partner resets the connection"
    PARTNER_CUTS = "partner closes without an answer"
    PARTNER_DRIPS_HEADERS = "partner answers headers byte by byte"
    PARTNER_DRIPS_BODY = "partner answers its body byte by byte"
    PARTNER_LATE = "partner answers after seconds"
    PARTNER_GONE = "an endpoint answers 410 (disabled)"
    CLOCK_JUMP = "a gateway's clock jumps ahead"
    MARKET_CLOSED = "a gateway's market closes, then opens"
    PRICE_MOVES = "a price is pinned, and let go"
    BROKER_UNREACHABLE = "a broker cannot be reached"
    BROKER_UNANSWERED = "a broker's answers are lost"
    BROKER_SLOW = "a broker answers after seconds"
    BROKER_BUSY = "a broker answers 429 with its wait"
    BROKER_ENDS_SESSIONS = "a broker ends its sessions"


MACHINES: Final = tuple(Fault)[: tuple(Fault).index(Fault.PARTNER_FAILS)]
BROKERS: Final = tuple(Fault)[tuple(Fault).index(Fault.BROKER_UNREACHABLE) :]
PARTNERS: Final = tuple(Fault)[len(MACHINES) : -len(BROKERS)]
# How long a fault of machines lasts, in seconds; sometimes longer than every connection timeout.
HELD: Final = (0.0, 0.3, 1.0, 2.5, 6.0)
# Between two faults there is work, or little would be there to be hurt.
LONGEST_CALM: Final = 5.0


@dataclass(frozen=True, slots=True)
class Moment:
    """`fault` begins `at` seconds after the start, lasts `held` seconds, and hits the partner with this number."""

    at: float
    fault: Fault
    held: float
    partner: int


def planned(*, seed: int, seconds: float, partners: int) -> tuple[list[Moment], ...]:
    """Faults of machines, one at a time; of partners and of brokers beside them. All in turn, shuffled each time."""
    lanes = {"machines": MACHINES, "partners": PARTNERS, "brokers": BROKERS}
    return tuple(
        list(_lane(random.Random(f"{seed} {name}"), faults, seconds, partners)) for name, faults in lanes.items()
    )


def _lane(chance: random.Random, faults: Sequence[Fault], seconds: float, partners: int) -> Iterator[Moment]:
    """A short run holds each fault for a moment only, so that all have their turn."""
    at, deck = 1.0, list[Fault]()
    longest = (seconds - at) / len(faults) / 2
    while at < seconds:
        if not deck:
            deck = [*faults]
            chance.shuffle(deck)
        moment = Moment(at, deck.pop(), min(longest, chance.choice(HELD)), chance.randrange(partners))
        yield moment
        at += moment.held + chance.uniform(0.1, min(LONGEST_CALM, longest))
