"""When a delivery that failed is tried again (contract §6.3)."""

from collections.abc import Mapping
from datetime import timedelta
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


def wait_after(plan: Plan, *, failures: int, spread: float) -> timedelta | None:
    """How long to wait after the n-th failure (from 1); None when it is given up.

    `spread` in [-1, 1] places the wait within ± 10 %, so that what failed together does not return together.
    """
    waits = WAITS[plan]
    return waits[failures - 1] * (1 + JITTER * spread) if failures <= len(waits) else None
