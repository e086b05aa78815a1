"""Batches whose broker cannot be reached: left out of what waits for a worker, and on the console's home page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from brokers.models import BrokerOutage
from brokers.ports.registry import BROKERS
from gateway.console.dashboard import how_many
from transactions.domain.statuses import BatchStatus
from transactions.models import Batch

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class OutageRow:
    """`waiting`: due batches; `next_try`: from now, zero while a probe is due or runs."""

    outage: BrokerOutage
    name: str
    next_try: timedelta
    waiting: int


def reachable(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Without batches whose link is down: workers leave these alone, and no worker is missing."""
    down = BrokerOutage.objects.filter(gateway=OuterRef("gateway"), broker=OuterRef("broker"))
    return batches.filter(~Exists(down))


def to_place() -> QuerySet[Batch]:
    """What the task place_batches works on."""
    return reachable(Batch.objects.filter(status=BatchStatus.QUEUED))


def to_poll() -> QuerySet[Batch]:
    """What the task sync_batches works on."""
    return reachable(Batch.objects.exclude(status=BatchStatus.QUEUED))


def outages_tile(user: User, *, now: datetime) -> dict[str, Any]:
    rows = list(_rows(now))
    return {
        "outages": rows,
        "outages_in_all": how_many(BrokerOutage.objects.all()) if len(rows) == SHOWN else len(rows),
    }


def _rows(now: datetime) -> Iterator[OutageRow]:
    for outage in BrokerOutage.objects.select_related("gateway").order_by("since")[:SHOWN]:
        name = BROKERS[outage.broker].name if outage.broker in BROKERS else outage.broker
        yield OutageRow(outage, name, max(outage.probe_at - now, timedelta(0)), _waiting(outage, now))


def _waiting(outage: BrokerOutage, now: datetime) -> int:
    """In two statements, because each kind has an index of its own."""
    due = Batch.objects.filter(
        gateway=outage.gateway, broker=outage.broker, due_at__lte=now + outage.gateway.clock_offset
    )
    return how_many(due.filter(status="QUEUED")) + how_many(due.exclude(status="QUEUED"))
