"""Decides when a failing endpoint is disabled (contract §6.3)."""

from datetime import datetime, timedelta
from typing import Final

FAILURES_BORNE: Final = 100
FAILING_BORNE: Final = timedelta(days=5)
GONE: Final = 410


def reason_to_disable(*, status: int | None, failures: int, failing_since: datetime, now: datetime) -> str | None:
    """A sentence, or None to keep the endpoint. `failures` in a row, the last of which was answered with `status`."""
    if status == GONE:
        return "The endpoint answered 410 Gone."
    if failures >= FAILURES_BORNE:
        return f"The endpoint failed {FAILURES_BORNE} times in a row."
    if now - failing_since >= FAILING_BORNE:
        return f"The endpoint failed for {FAILING_BORNE.days} days in a row."
    return None
