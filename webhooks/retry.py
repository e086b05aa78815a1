"""When a delivery that failed is tried again (contract §6.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final


class Plan(StrEnum):
    STANDARD = "standard"
    GATEWAY = "gateway"


WAITS: Final[Mapping[Plan, tuple[timedelta, ...]]] = {
    Plan.STANDARD: (
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
    ),
    Plan.GATEWAY: (timedelta(minutes=15), timedelta(hours=24), timedelta(hours=48)),
}
JITTER: Final = 0.1
LONGEST: Final = timedelta(hours=48)  # no step is longer


def wait_after(plan: Plan, *, failures: int, spread: float) -> timedelta | None:
    """How long to wait after the n-th failure (from 1); None when it is given up.

    `spread` in [-1, 1] places the wait within ± 10 %, so that what failed together does not return together.
    """
    waits = WAITS[plan]
    return waits[failures - 1] * (1 + JITTER * spread) if failures <= len(waits) else None


def asked_wait(retry_after: str, *, now: datetime) -> timedelta:
    """What a Retry-After header asks for, in either of its forms (RFC 9110 §10.2.3); zero when it asks for nothing."""
    if retry_after.isascii() and retry_after.isdecimal():
        return timedelta(seconds=min(int(retry_after[:9]), LONGEST.total_seconds()))
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return timedelta(0)
    return max(timedelta(0), min(moment.replace(tzinfo=moment.tzinfo or UTC) - now, LONGEST))


def wait_as_asked(plan: Plan, *, failures: int, wait: timedelta, asked: timedelta) -> timedelta:
    """Never sooner than the partner asks; but a partner who asks for more than the plan's next step gets that step."""
    waits = WAITS[plan]
    return max(wait, min(asked, waits[min(failures, len(waits) - 1)]))
