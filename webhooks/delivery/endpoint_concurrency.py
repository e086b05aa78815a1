"""Limits the attempts in flight for each endpoint, so that a hung endpoint delays no other.

Threads are limited, a healthy endpoint should get events fast, and only afterwards is it known whether an endpoint
answers. So a slow attempt no longer counts against the room for other endpoints, and its endpoint gets no more attempts
until it finishes. An unknown or failing endpoint gets few attempts at a time.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

AT_ONCE: Final = 256
YOUNG_AT_ONCE: Final = 64
SLOW_AFTER: Final = 0.25  # seconds
HEALTHY_LIMIT: Final = 32
UNKNOWN_LIMIT: Final = 4
FAILING_LIMIT: Final = 1


@dataclass
class EndpointConcurrency:
    """The attempts in flight of one process. Endpoints by id; times in seconds of one monotonic clock."""

    in_flight: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    healthy: set[int] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)

    def room(self, now: float) -> int:
        """How many more attempts may start."""
        started = [moment for moments in self.in_flight.values() for moment in moments]
        young = sum(1 for moment in started if now - moment < SLOW_AFTER)
        return max(0, min(YOUNG_AT_ONCE - young, AT_ONCE - len(started)))

    def has_young(self, now: float) -> bool:
        return any(now - moments[-1] < SLOW_AFTER for moments in self.in_flight.values())

    def closed(self, now: float) -> set[int]:
        """Endpoints that may not get another attempt now."""
        return {endpoint for endpoint in self.in_flight if not self.is_open(endpoint, now)}

    def is_open(self, endpoint: int, now: float) -> bool:
        moments = self.in_flight.get(endpoint)
        return not moments or (now - moments[0] < SLOW_AFTER and len(moments) < self._limit(endpoint))

    def start(self, endpoint: int, now: float) -> None:
        self.in_flight[endpoint].append(now)

    def finish(self, endpoint: int, *, since: float) -> None:
        """Removes the attempt that started at `since`."""
        self.in_flight[endpoint].remove(since)
        if not self.in_flight[endpoint]:
            del self.in_flight[endpoint]

    def mark_failing(self, endpoint: int, *, is_failing: bool) -> None:
        """From the endpoint's last response or its row. Only endpoints that answered this process count as healthy."""
        if is_failing:
            self.failing.add(endpoint)
            self.healthy.discard(endpoint)
        else:
            self.failing.discard(endpoint)

    def mark_healthy(self, endpoint: int) -> None:
        """The endpoint answered with a 2xx."""
        self.failing.discard(endpoint)
        self.healthy.add(endpoint)

    def _limit(self, endpoint: int) -> int:
        if endpoint in self.failing:
            return FAILING_LIMIT
        return HEALTHY_LIMIT if endpoint in self.healthy else UNKNOWN_LIMIT
