"""Gauges that are read at each scrape: due rows, orders with an unknown outcome, outages, endpoints, queue depth."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

from django.db import Error
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from gateway.monitoring import health_probes
from gateway.monitoring.backlog import Backlog, backlogs
from gateway.monitoring.contributions import GaugeSource, gauges
from gateway.monitoring.hang_guard import PATIENCE_SECONDS, Watched
from gateway.partners import clock
from gateway.queue.enqueue import QueueDown

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owed:
    backlogs: list[Backlog]
    gauges: list[tuple[GaugeSource, int]]


def owed() -> Owed:
    """Ten statements, whatever the size of the data."""
    return Owed(backlogs(now=clock.wall()), list(gauges()))


class LookedUp(Collector):
    """If the database or the queue fails, yields the other gauges and reports the failure."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        by = monotonic() + PATIENCE_SECONDS
        database, queue = _database.asked(), _queue.asked()
        try:
            found = database.result(max(0, by - monotonic()))
        except (TimeoutError, Error) as error:
            log.warning("The database did not answer the metrics collector: %s", error)
            yield _gauge("gateway_database_up", "Whether the database answers", 0)
        else:
            yield _gauge("gateway_database_up", "Whether the database answers", 1)
            yield from _of_the_database(found)
        try:
            depth = queue.result(max(0, by - monotonic()))
        except (TimeoutError, QueueDown) as error:
            log.warning("The queue did not answer the metrics collector: %s", error)
            yield _gauge("gateway_queue_up", "Whether the queue's broker answers", 0)
        else:
            yield _gauge("gateway_queue_up", "Whether the queue's broker answers", 1)
            yield _gauge("gateway_queue_depth", "Wake-up messages waiting for a worker", depth)


def _of_the_database(found: Owed) -> Iterator[GaugeMetricFamily]:
    rows = GaugeMetricFamily("gateway_due_rows", "Due rows, 10,000 at most", labels=["kind"])
    oldest = GaugeMetricFamily("gateway_oldest_due_seconds", "How long the oldest row has been due", labels=["kind"])
    for backlog in found.backlogs:
        rows.add_metric([backlog.kind.value], backlog.rows)
        oldest.add_metric([backlog.kind.value], backlog.oldest.total_seconds())
    yield rows
    yield oldest
    for gauge, value in found.gauges:
        yield _gauge(gauge.name, gauge.describes, value)


def _gauge(name: str, describes: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, describes, value=value)


_database = Watched(health_probes.on_a_connection_of_its_own(owed), name="scrape the database")
_queue = Watched(health_probes.queue_depth, name="scrape the queue")
