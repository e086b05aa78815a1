"""Who may be spoken to next, so that an endpoint that hangs slows no other.

Forces: threads are many but not endless; whether an endpoint will answer is known only afterwards; a good one should
be fast. So what is in flight for longer than a moment ceases to count as work, and its endpoint gets no more until it
lands; an endpoint not heard of yet, or failing, is given little to hang on to.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

AT_ONCE: Final = 256
YOUNG_AT_ONCE: Final = 64
SLOW_AFTER: Final = 0.25  # seconds
TO_A_GOOD_ONE: Final = 32
TO_AN_UNKNOWN_ONE: Final = 4
TO_A_FAILING_ONE: Final = 1


@dataclass
class Lanes:
    """What one process has in flight. Endpoints by id; moments in seconds of one monotonic clock."""

    flights: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    good: set[int] = field(default_factory=set)
    failing: set[int] = field(default_factory=set)

    def room(self, now: float) -> int:
        """How many more may take off."""
        started = [moment for moments in self.flights.values() for moment in moments]
        young = sum(1 for moment in started if now - moment < SLOW_AFTER)
        return max(0, min(YOUNG_AT_ONCE - young, AT_ONCE - len(started)))

    def has_young(self, now: float) -> bool:
        return any(now - moments[-1] < SLOW_AFTER for moments in self.flights.values())

    def closed(self, now: float) -> set[int]:
        """Endpoints that get no more at present."""
        return {endpoint for endpoint in self.flights if not self.is_open(endpoint, now)}

    def is_open(self, endpoint: int, now: float) -> bool:
        moments = self.flights.get(endpoint)
        return not moments or (now - moments[0] < SLOW_AFTER and len(moments) < self._limit(endpoint))

    def take_off(self, endpoint: int, now: float) -> None:
        self.flights[endpoint].append(now)

    def land(self, endpoint: int, *, since: float) -> None:
        """What took off at `since` is no more in flight."""
        self.flights[endpoint].remove(since)
        if not self.flights[endpoint]:
            del self.flights[endpoint]

    def judge(self, endpoint: int, *, is_failing: bool) -> None:
        """By its last answer, or by what is on record of it. Good are only those that have answered here."""
        if is_failing:
            self.failing.add(endpoint)
            self.good.discard(endpoint)
        else:
            self.failing.discard(endpoint)

    def praise(self, endpoint: int) -> None:
        """It answered as it should."""
        self.failing.discard(endpoint)
        self.good.add(endpoint)

    def _limit(self, endpoint: int) -> int:
        if endpoint in self.failing:
            return TO_A_FAILING_ONE
        return TO_A_GOOD_ONE if endpoint in self.good else TO_AN_UNKNOWN_ONE
