"""The market's calendar on the console's home page: the next exceptional days, and days that an operator must check."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User

from brokers.market.calendar import ExceptionalDay, exceptional_days
from gateway.values.timestamps import IST

SHOWN: Final = 5
AHEAD: Final = timedelta(days=7)
DECEMBER: Final = 12


@dataclass(frozen=True, slots=True)
class CalendarStatus:
    """`unconfirmed`: estimated days within AHEAD. `missing`: years whose list by NSE is not in the calendar."""

    upcoming: Sequence[ExceptionalDay]
    unconfirmed: Sequence[ExceptionalDay]
    missing: Sequence[int]


def upcoming_days(*, now: datetime) -> list[ExceptionalDay]:
    """From today to the end of the next year, IST. One query."""
    today = now.astimezone(IST).date()
    return [one for day, one in exceptional_days((today.year, today.year + 1)).items() if day >= today]


def calendar_status(*, now: datetime) -> CalendarStatus:
    """NSE publishes the list of a year in the December before."""
    today, days = now.astimezone(IST).date(), upcoming_days(now=now)
    due = {today.year} | ({today.year + 1} if today.month == DECEMBER else set())
    return CalendarStatus(
        upcoming=days[:SHOWN],
        unconfirmed=[one for one in days if one.is_estimated and one.day <= today + AHEAD],
        missing=sorted({one.day.year for one in days if not one.is_confirmed} & due),
    )


def calendar_tile(user: User, *, now: datetime) -> dict[str, Any]:
    return {"calendar": calendar_status(now=now)}
