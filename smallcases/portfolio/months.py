"""Calendar months: a month after 31 January is the last day of February."""

from calendar import monthrange
from datetime import date


def shifted(day: date, months: int) -> date:
    """`months` later, or earlier when negative; the same day of the month, or the month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
