"""When a failed delivery is tried again (contract §6.3)."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final


class Plan(StrEnum):
    """How often a failed delivery is tried again: WAITS has the steps."""

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
SECONDS: Final = re.compile(r"[0-9]+(\.[0-9]*)?")
LIST_COMMA: Final = re.compile(r"(?<!Mon)(?<!Tue)(?<!Wed)(?<!Thu)(?<!Fri)(?<!Sat)(?<!Sun)(?<!day),")
LONGEST: Final = timedelta(hours=48)  # no step is longer


def wait_after(plan: Plan, *, failures: int, spread: float) -> timedelta | None:
    """How long to wait after the n-th failure (from 1); None to give the delivery up.

    `spread` in [-1, 1] shifts the wait by up to ±10 %, so that deliveries that failed together do not return together.
    """
    waits = WAITS[plan]
    return waits[failures - 1] * (1 + JITTER * spread) if failures <= len(waits) else None


def asked_wait(retry_after: str, *, now: datetime) -> timedelta:
    """The wait that a Retry-After header asks for; zero if none.

    Seconds or a date (RFC 9110 §10.2.3). If proxies have joined several values, the longest.
    """
    return max(_one_asked_wait(value.strip(), now=now) for value in LIST_COMMA.split(retry_after))


def _one_asked_wait(retry_after: str, *, now: datetime) -> timedelta:
    """Fractions of a second are rounded up. A date out of range counts as zero."""
    if SECONDS.fullmatch(retry_after):
        return timedelta(seconds=math.ceil(min(float(retry_after), LONGEST.total_seconds())))
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return timedelta(0)
    return max(timedelta(0), min(moment.replace(tzinfo=moment.tzinfo or UTC) - now, LONGEST))


def wait_as_asked(plan: Plan, *, failures: int, wait: timedelta, asked: timedelta) -> timedelta:
    """Not sooner than the partner asks; but a partner that asks for more than the plan's next step gets that step."""
    waits = WAITS[plan]
    return max(wait, min(asked, waits[min(failures, len(waits) - 1)]))
