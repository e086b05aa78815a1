"""The bell. It hints that a row is due; the row itself says so, and a sweep finds it when the bell is lost."""

import logging
import time
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

from celery import current_app
from django.db.transaction import on_commit
from kombu.exceptions import OperationalError

from gateway.telemetry import metrics

log = logging.getLogger(__name__)
QUIET_SECONDS: Final = 0.05
VOID_SECONDS: Final = 2.0
_rung: "dict[Job, float]" = {}


class Job(Enum):
    """Names of the Celery tasks. Each works on one row, but DELIVER, which works on all that is due."""

    PLACE_BATCHES = "place_batches"
    SYNC_BATCHES = "sync_batches"
    DELIVER = "deliver_due"
    ANNOUNCE = "announce"
    TELL_SIP = "tell_sip"
    REPLAY = "replay"
    APPLY_TRADEBOOK = "apply_tradebook"


def ring(job: Job, *, row: int, attempt: int) -> None:
    """After commit. `attempt` is the row's fence as it stands: the bell is worth one claim."""
    on_commit(lambda: _send(job, {"row": row, "attempt": attempt}), robust=True)


def nudge(job: Job) -> None:
    """After commit: some rows are due. Rings at most once in QUIET_SECONDS, for whoever answers stays for longer.

    Where nobody answers for two seconds, the beat has rung as well: the bell is void.
    """
    on_commit(lambda: _nudge(job), robust=True)


class QueueDown(Exception):
    """The queue's broker refused or broke off."""


def bells_waiting(queues: Iterable[str]) -> int:
    """That nobody has answered: a list's length on Redis, files in the embedded default. Raises QueueDown."""
    with current_app.connection_for_read() as broker:
        refusals: tuple[type[BaseException], ...] = (
            OperationalError,
            *broker.connection_errors,
            *broker.channel_errors,
        )
        try:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
            channel: Any = broker.default_channel
            return sum(int(channel.queue_declare(queue=queue).message_count) for queue in queues)
        except refusals as error:
            raise QueueDown(str(error)) from error


def _nudge(job: Job) -> None:
    quiet = time.monotonic() - _rung.get(job, -QUIET_SECONDS) < QUIET_SECONDS
    if not quiet or current_app.conf.task_always_eager:
        _rung[job] = time.monotonic()
        _send(job, {}, expires=VOID_SECONDS)


def _send(job: Job, row: Mapping[str, int], *, expires: float | None = None) -> None:
    bell = current_app.signature(job.value, kwargs=dict(row))
    try:
        bell.apply_async(retry=False, expires=expires)  # type: ignore[arg-type]  # None is never, and the default
    except (OperationalError, OSError) as error:
        metrics.bell_lost(job=job.value)
        log.warning("No bell for %s %s: %s. The sweep will find it.", job.value, row.get("row", ""), error)
