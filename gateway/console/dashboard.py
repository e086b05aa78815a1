"""Helpers for the tiles of the console's home page, which the apps register."""

from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.contrib.auth.models import User
from django.db.models import Count, Model, QuerySet
from django.db.models.functions import TruncHour
from django.utils.module_loading import import_string

from gateway.console.charts import Bar
from gateway.monitoring.backlog import COUNTED
from gateway.monitoring.contributions import tiles
from gateway.values.timestamps import IST

M = TypeVar("M", bound=Model)
HOURS: Final = 24
# Only the newest rows of the last day are read.
NEWEST: Final = 20_000
HOUR: Final = timedelta(hours=1)


def shown_to(user: User, *, now: datetime) -> dict[str, Any]:
    """The tiles that this user may see. Nothing is queried for the others."""
    shown: dict[str, Any] = {"now": now, "counted": COUNTED}
    shown["tiles"] = [tile for tile in tiles() if user.has_perm(tile.permission)]
    for tile in shown["tiles"]:
        shown |= import_string(tile.context)(user, now=now)
    return shown


def how_many(rows: QuerySet[Any]) -> int:
    """The number of rows, COUNTED at most."""
    return int(rows.order_by()[:COUNTED].count())


def newest(rows: QuerySet[M]) -> QuerySet[M]:
    """The rows among the last NEWEST of the table; the index gives the lowest key first."""
    floor = rows.model._default_manager.order_by("-pk").values_list("pk", flat=True)[NEWEST : NEWEST + 1]
    return rows.filter(pk__gt=next(iter(floor), 0))


def by_hour(rows: QuerySet[Any], column: str, now: datetime) -> list[Bar]:
    """The rows of the last day, counted per hour of `column`, in IST."""
    first = now.astimezone(IST).replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * HOUR
    recent = rows.filter(**{f"{column}__gte": first, f"{column}__lte": now}).order_by()
    counts = recent.annotate(hour=TruncHour(column, tzinfo=IST)).values("hour").annotate(count=Count("pk"))
    found = {row["hour"]: row["count"] for row in counts}
    hours = (first + number * HOUR for number in range(HOURS))
    return [Bar(f"{hour:%H}:00 IST", found.get(hour, 0)) for hour in hours]
