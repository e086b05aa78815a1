"""How often a broker is asked, and for how long its silence is borne."""

from datetime import timedelta
from typing import Final

SOONEST: Final = timedelta(milliseconds=250)
LATEST: Final = timedelta(seconds=30)
# About an order in ERROR the broker may still speak: it is asked ever more seldom, for this long.
LATE_WORD: Final = timedelta(hours=24)


def next_look(elapsed: timedelta) -> timedelta:
    """The wait before the next question, `elapsed` after placing: half of what has passed, within bounds."""
    return min(max(elapsed / 2, SOONEST), LATEST)


def next_look_at_the_lost(elapsed: timedelta) -> timedelta | None:
    """As next_look, for a batch of which only ERROR orders remain; None when it is asked no more."""
    return min(max(elapsed / 2, LATEST), timedelta(minutes=15)) if elapsed < LATE_WORD else None
