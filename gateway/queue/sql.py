"""The condition of the hot statements that look for due work."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any


def is_due(alias: str, clocks: Iterable[tuple[int | None, datetime]]) -> tuple[str, list[Any]]:
    """SQL and parameters: due by the row's own gateway's clock, and unleased. As gateway.queue.leases.due."""
    (_, wall), *ahead = clocks
    own = f" OR ({alias}.gateway_id = %s AND {alias}.due_at <= %s)" * len(ahead)
    parameters = [wall, *(value for clock in ahead for value in clock), wall]
    return f"({alias}.due_at <= %s{own}) AND {alias}.leased_until <= %s", parameters
