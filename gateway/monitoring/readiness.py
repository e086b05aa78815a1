"""Whether the gateway can take orders; if not, a sentence for each reason that any caller may read."""

import logging
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import timedelta
from time import monotonic
from typing import Final

from django.conf import settings
from django.db import Error

from gateway.monitoring import health_probes
from gateway.monitoring.backlog import Backlog, backlogs
from gateway.monitoring.contributions import unmet_requirements
from gateway.monitoring.hang_guard import PATIENCE_SECONDS, Watched
from gateway.partners import clock
from gateway.queue.enqueue import QueueDown

LAG_BORNE: Final = timedelta(seconds=60)
NO_DATABASE: Final = "The database does not answer in time."
NO_QUEUE: Final = "The queue's broker does not answer in time."
log = logging.getLogger(__name__)


def problems() -> list[str]:
    """The reasons; empty if ready. Takes at most three seconds, even if a server hangs."""
    by = monotonic() + PATIENCE_SECONDS
    coming = [(_database.asked(), NO_DATABASE), (_queue.asked(), NO_QUEUE)]
    return [*_of_the_disk(), *(found for asked, silence in coming for found in _heard(asked, silence, by))]


def of_the_database() -> list[str]:
    if unapplied := health_probes.unapplied_migrations():
        return [f"The database lacks migrations: {', '.join(unapplied)}. Run `manage.py migrate`."]
    return [*unmet_requirements(), *_of_backlogs(backlogs(now=clock.wall()))]


def of_the_queue() -> list[str]:
    depth = health_probes.queue_depth()
    if depth <= settings.READY_QUEUE_DEPTH:
        return []
    return [f"{depth} wake-up messages wait in the queue, more than {settings.READY_QUEUE_DEPTH}: start more workers."]


def _heard(asked: "Future[list[str]]", silence: str, by: float) -> list[str]:
    """The driver's message is only logged, because it may name hosts."""
    try:
        return asked.result(max(0, by - monotonic()))
    except (TimeoutError, Error, QueueDown) as error:
        log.warning("%s %s", silence, error)
        return [silence]


def _of_backlogs(found: list[Backlog]) -> Iterator[str]:
    for backlog in found:
        if backlog.unattended > LAG_BORNE:
            seconds = int(backlog.unattended.total_seconds())
            yield f"No worker has taken {backlog.kind.value} for {seconds} s: start a worker and the beat."


def _of_the_disk() -> Iterator[str]:
    if settings.EMBEDDED and (free := health_probes.free_megabytes()) < settings.READY_FREE_MEGABYTES:
        yield f"The disk of VAR_DIR has {free} MB left, less than {settings.READY_FREE_MEGABYTES}: free some space."


_database = Watched(health_probes.on_a_connection_of_its_own(of_the_database), name="is the database ready")
_queue = Watched(of_the_queue, name="is the queue ready")
