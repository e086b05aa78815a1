"""Orders on the console's home page. Each query uses an index and reads a limited number of rows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Count, F, Min, Q, QuerySet

from gateway.console.charts import Bar, bars
from gateway.console.dashboard import HOUR, by_hour, how_many, newest
from gateway.monitoring.backlog import COUNTED, backlogs
from gateway.monitoring.invariant_checks import STUCK_AFTER
from transactions.models import Batch, Order
from transactions.queries.broker_outages import reachable

DAY: Final = timedelta(days=1)
# The sweep runs every second; a row that waits this long shows that no worker takes it.
LATE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class InError:
    """One broker's orders in ERROR, by age."""

    broker: str
    fresh: int
    today: int
    older: int
    oldest: datetime | None

    @property
    def total(self) -> int:
        return self.fresh + self.today + self.older


def orders_tile(user: User, *, now: datetime) -> dict[str, Any]:
    return {
        "in_error": in_error(now=now),
        "stuck": how_many(stuck_batches(now=now)),
        "fills": bars("Orders filled per hour", fills_by_hour(now=now)),
        "lag": backlogs(now=now),
        "late": LATE,
    }


def in_error(*, now: datetime) -> list[InError]:
    """Orders in ERROR by broker, the largest number first. Reads at most COUNTED orders."""
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


def count_in_error() -> int:
    return Order.objects.filter(status="ERROR").count()


def stuck_batches(*, now: datetime) -> QuerySet[Batch]:
    """Batches that are overdue by STUCK_AFTER of real time with no worker on them."""
    return reachable(Batch.objects.filter(due_at__lt=now - STUCK_AFTER, leased_until__lt=now - STUCK_AFTER))


def fills_by_hour(*, now: datetime) -> list[Bar]:
    """Orders with fills, by the hour in which they were placed."""
    return by_hour(newest(Order.objects.all()).filter(filled_quantity__gt=0), "ordered_at", now)
