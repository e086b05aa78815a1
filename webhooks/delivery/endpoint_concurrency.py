"""How many attempts each endpoint may have in flight, so that an endpoint that hangs slows no other.

Forces: threads are many but not endless; whether an endpoint will answer is known only afterwards; a healthy one should
be fast. So an attempt in flight for longer than a moment ceases to count as work, and its endpoint gets no more until
it finishes; an endpoint that is unknown or failing gets few.
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
    """Attempts that one process has in flight. Endpoints by id; moments in seconds of one monotonic clock."""

    in_flight: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    healthy: set[int] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)

    def room(self, now: float) -> int:
        """How many more may start."""
        started = [moment for moments in self.in_flight.values() for moment in moments]
        young = sum(1 for moment in started if now - moment < SLOW_AFTER)
        return max(0, min(YOUNG_AT_ONCE - young, AT_ONCE - len(started)))

    def has_young(self, now: float) -> bool:
        return any(now - moments[-1] < SLOW_AFTER for moments in self.in_flight.values())

    def closed(self, now: float) -> set[int]:
        """Endpoints that get no more at present."""
        return {endpoint for endpoint in self.in_flight if not self.is_open(endpoint, now)}

    def is_open(self, endpoint: int, now: float) -> bool:
        moments = self.in_flight.get(endpoint)
        return not moments or (now - moments[0] < SLOW_AFTER and len(moments) < self._limit(endpoint))

    def start(self, endpoint: int, now: float) -> None:
        self.in_flight[endpoint].append(now)

    def finish(self, endpoint: int, *, since: float) -> None:
        """The attempt that started at `since` is no longer in flight."""
        self.in_flight[endpoint].remove(since)
        if not self.in_flight[endpoint]:
            del self.in_flight[endpoint]

    def mark_failing(self, endpoint: int, *, is_failing: bool) -> None:
        """By its last answer, or by its row. Healthy are only the endpoints that have answered this process."""
        if is_failing:
            self.failing.add(endpoint)
            self.healthy.discard(endpoint)
        else:
            self.failing.discard(endpoint)

    def mark_healthy(self, endpoint: int) -> None:
        """It answered with a 2xx."""
        self.failing.discard(endpoint)
        self.healthy.add(endpoint)

    def _limit(self, endpoint: int) -> int:
        if endpoint in self.failing:
            return FAILING_LIMIT
        return HEALTHY_LIMIT if endpoint in self.healthy else UNKNOWN_LIMIT
