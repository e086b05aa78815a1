"""Timestamps on the wire, and the market's time zone."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

IST: Final = ZoneInfo("Asia/Kolkata")


def timestamp(moment: datetime) -> str:
    """UTC, ISO 8601, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp_or_null(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment)
