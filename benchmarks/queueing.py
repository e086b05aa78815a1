"""How long work waits for one of several equal servers: Erlang's formula, and an independent simulation.

Arrivals are a Poisson stream, service times are exponential. Rates are per second, times in seconds.
"""

import heapq
import math
import random
from dataclasses import dataclass
from statistics import fmean
from typing import Final

MOST_SERVERS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Waited:
    """A simulation's result. `utilisation`: busy share of all servers' time; `waiting`: share of jobs that waited."""

    jobs: int
    utilisation: float
    waiting: float
    mean: float
    p99: float


def offered(*, arrivals: float, service: float) -> float:
    """Erlangs: how many servers are busy on average. `service` is one server's rate."""
    if arrivals < 0 or service <= 0:
        raise ValueError("Arrivals must not be negative, and a server's rate must be above 0.")
    return arrivals / service


def chance_to_wait(*, servers: int, load: float) -> float:
    """Erlang C: the share of jobs that finds every server busy; 1 if the load exceeds the servers.

    Uses the recurrence of Erlang B, which neither overflows nor loses digits with many servers.
    """
    if load >= servers:
        return 1.0
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def waits_longer(than: float, *, servers: int, arrivals: float, service: float) -> float:
    """The share of jobs that waits longer than `than` seconds."""
    load = offered(arrivals=arrivals, service=service)
    if load >= servers:
        return 1.0
    return chance_to_wait(servers=servers, load=load) * math.exp(-(servers * service - arrivals) * than)


def servers_for(*, arrivals: float, service: float, patience: float, late: float, busiest: float) -> int:
    """The fewest servers with which at most the share `late` waits longer than `patience`.

    Servers are used up to the share `busiest`: a busy machine is slower than the quiet one that was measured.
    """
    if not 0 < busiest <= 1:
        raise ValueError("The busy share of servers must be between 0 and 1.")
    fewest = max(math.ceil(offered(arrivals=arrivals, service=service) / busiest), 1)
    for servers in range(fewest, MOST_SERVERS):
        if waits_longer(patience, servers=servers, arrivals=arrivals, service=service) <= late:
            return servers
    raise ValueError(f"{MOST_SERVERS} servers are not enough.")


def simulate(*, servers: int, arrivals: float, service: float, seconds: float, seed: int) -> Waited:
    """First come, first served, for `seconds` of arrivals; the same seed gives the same result."""
    chance = random.Random(seed)
    free_at = [0.0] * servers
    now, busy, waits = 0.0, 0.0, list[float]()
    if not seconds:
        return Waited(0, 0.0, 0.0, 0.0, 0.0)
    while (now := now + chance.expovariate(arrivals)) < seconds:
        begun = max(now, heapq.heappop(free_at))
        takes = chance.expovariate(service)
        heapq.heappush(free_at, begun + takes)
        waits.append(begun - now)
        busy += max(min(begun + takes, seconds) - begun, 0.0)
    return _told(waits, utilisation=busy / (servers * seconds))


def _told(waits: list[float], *, utilisation: float) -> Waited:
    if not waits:
        return Waited(0, utilisation, 0.0, 0.0, 0.0)
    waited = sum(wait > 0 for wait in waits) / len(waits)
    p99 = sorted(waits)[min(math.ceil(0.99 * len(waits)), len(waits)) - 1]
    return Waited(len(waits), utilisation, waited, fmean(waits), p99)
