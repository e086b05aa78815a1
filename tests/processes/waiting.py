"""Loops with an end."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], *, seconds: float = 30, what: str) -> float:
    """Looks until it `holds`; for how long that took, in seconds. `what` finishes "After 30 s still not …"."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"After {seconds} s still not {what}"
        time.sleep(0.02)
    return time.monotonic() - began
