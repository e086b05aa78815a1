"""How often a broker is polled, and for how long."""

from datetime import timedelta
from typing import Final

SOONEST: Final = timedelta(milliseconds=250)
LATEST: Final = timedelta(seconds=30)
# A broker may still report an order with unknown outcome: it is polled less and less often, for this long.
LATE_REPORT_WINDOW: Final = timedelta(hours=24)


def next_poll(elapsed: timedelta) -> timedelta:
    """The wait before the next poll, `elapsed` after placing: half of what has passed, within bounds."""
    return min(max(elapsed / 2, SOONEST), LATEST)


def next_poll_of_unknown(elapsed: timedelta) -> timedelta | None:
    """As next_poll, for a batch whose orders with unknown outcome alone remain; None when polling has ended."""
    return min(max(elapsed / 2, LATEST), timedelta(minutes=15)) if elapsed < LATE_REPORT_WINDOW else None
