"""What needs somebody now: each question is asked of an index, and looks at so many rows at most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.contrib.auth.models import User
from django.db.models import Count, F, Min, Model, Q, QuerySet
from django.db.models.functions import TruncHour

from gateway.backlog import COUNTED, Backlog, backlogs
from gateway.charts import Bar
from gateway.checkup import STUCK_AFTER
from smallcases.following import Adoption, adoption_of
from smallcases.managers import visible_to
from smallcases.models import Version
from transactions.models import Batch, Order
from webhooks.models import Attempt, Endpoint

M = TypeVar("M", bound=Model)
HOURS: Final = 24
# Of what happened in the last day, the newest so many rows are looked at.
NEWEST: Final = 20_000
SHOWN: Final = 10
REBALANCES: Final = 5
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A sweep comes every second; what nobody was offered for so long says that none does.
LATE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class InError:
    """One broker's ERROR orders, by how long ago they were placed."""

    broker: str
    fresh: int
    today: int
    older: int
    oldest: datetime | None

    @property
    def total(self) -> int:
        return self.fresh + self.today + self.older


def in_error(*, now: datetime) -> list[InError]:
    """By broker, the most first. COUNTED orders are looked at."""
    first = Order.objects.filter(status="ERROR").order_by("batch").values("pk")[:COUNTED]
    placed = Q(ordered_at__gt=now - HOUR), Q(ordered_at__gt=now - DAY)
    rows = (
        Order.objects.filter(pk__in=first)
        .values(broker=F("batch__account__broker"))
        .annotate(
            total=Count("pk"),
            fresh=Count("pk", filter=placed[0]),
            day=Count("pk", filter=placed[1]),
            oldest=Min("ordered_at"),
        )
        .order_by("-total")
    )
    return [
        InError(row["broker"], row["fresh"], row["day"] - row["fresh"], row["total"] - row["day"], row["oldest"])
        for row in rows
    ]


def failing_endpoints() -> list[Endpoint]:
    rows = Endpoint.objects.filter(is_enabled=True, failures__gt=0).select_related("gateway")
    return list(rows.order_by("-failures")[:SHOWN])


def disabled_endpoints() -> list[Endpoint]:
    rows = Endpoint.objects.filter(is_enabled=False).select_related("gateway")
    return list(rows.order_by("-disabled_at")[:SHOWN])


def stuck_batches(*, now: datetime) -> QuerySet[Batch]:
    """Due, and leased by nobody, for a quarter of an hour by the wall."""
    return Batch.objects.filter(due_at__lt=now - STUCK_AFTER, leased_until__lt=now - STUCK_AFTER)


def how_many(rows: QuerySet[Any]) -> int:
    """COUNTED at most."""
    return int(rows.order_by()[:COUNTED].count())


def sweep_lag(*, now: datetime) -> Sequence[Backlog]:
    return backlogs(now=now)


def fills_by_hour(*, now: datetime) -> list[Bar]:
    """Orders that filled something, by the hour in which they were placed."""
    return _by_hour(_newest(Order.objects.all()).filter(filled_quantity__gt=0), "ordered_at", now)


def deliveries_by_hour(*, now: datetime) -> list[Bar]:
    """Attempts that a partner accepted."""
    return _by_hour(_newest(Attempt.objects.filter(status_code__gte=200, status_code__lt=300)), "at", now)


def _newest(rows: QuerySet[M]) -> QuerySet[M]:
    """Those among the last NEWEST of the table: where they begin is read from its index first."""
    floor = rows.model._default_manager.order_by("-pk").values_list("pk", flat=True)[NEWEST : NEWEST + 1]
    return rows.filter(pk__gt=next(iter(floor), 0))


def _by_hour(rows: QuerySet[Any], column: str, now: datetime) -> list[Bar]:
    first = now.replace(minute=0, second=0, microsecond=0) - (HOURS - 1) * HOUR
    recent = rows.filter(**{f"{column}__gte": first, f"{column}__lte": now}).order_by()
    counts = recent.annotate(hour=TruncHour(column)).values("hour").annotate(count=Count("pk"))
    found = {row["hour"]: row["count"] for row in counts}
    hours = (first + number * HOUR for number in range(HOURS))
    return [Bar(f"{hour:%H}:00 UTC", found.get(hour, 0)) for hour in hours]


def adoption(user: User) -> Iterator[Adoption]:
    """Of the newest rebalances of smallcases that the user may see."""
    versions = visible_to(user, Version.objects.filter(number__gt=1), path="smallcase").select_related("smallcase")
    for version in versions.order_by("-published_at", "-pk")[:REBALANCES]:
        yield adoption_of(version, at_most=COUNTED)
