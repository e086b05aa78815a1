"""How often, and for how long, a broker is polled."""

from datetime import timedelta
from typing import Final

SOONEST: Final = timedelta(milliseconds=250)
LATEST: Final = timedelta(seconds=30)
# How long a broker is polled about orders with unknown outcome, less and less often.
LATE_REPORT_WINDOW: Final = timedelta(hours=24)


def next_poll(elapsed: timedelta) -> timedelta:
    """The wait before the next poll, `elapsed` after placing: half of `elapsed`, within bounds."""
    return min(max(elapsed / 2, SOONEST), LATEST)


def next_poll_of_unknown(elapsed: timedelta) -> timedelta | None:
    """As next_poll, for a batch with only orders of unknown outcome left; None when polling has ended."""
    return min(max(elapsed / 2, LATEST), timedelta(minutes=15)) if elapsed < LATE_REPORT_WINDOW else None
