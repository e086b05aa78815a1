"""When an endpoint has failed for long enough to be left alone (contract §6.3)."""

from datetime import datetime, timedelta
from typing import Final

FAILURES_BORNE: Final = 100
FAILING_BORNE: Final = timedelta(days=5)
GONE: Final = 410


def reason_to_disable(*, status: int | None, failures: int, failing_since: datetime, now: datetime) -> str | None:
    """A sentence, or None while it may go on. `failures` on end, the last of which answered `status`."""
    if status == GONE:
        return "It answered 410 Gone."
    if failures >= FAILURES_BORNE:
        return f"It failed {FAILURES_BORNE} times in a row."
    if now - failing_since >= FAILING_BORNE:
        return f"It failed for {FAILING_BORNE.days} days on end."
    return None
