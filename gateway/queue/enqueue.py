"""Wake-up messages: hints that a row is due. The row says that work is pending; a sweep replaces a lost message."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final

from celery import current_app, shared_task
from django.db.transaction import on_commit
from kombu.exceptions import OperationalError

from gateway.telemetry import metrics
from gateway.values.old_names import warn_of_old_name

log = logging.getLogger(__name__)
QUIET_SECONDS: Final = 0.05
# A worker without work stays for longer than that: a message may have been saved since another was sent just before.
IDLE_GRACE_SECONDS: Final = 0.1
EXPIRES_SECONDS: Final = 2.0
_last_enqueued: "dict[TaskName, float]" = {}


class TaskName(Enum):
    """Names of the Celery tasks that wake-up messages start."""

    PLACE_BATCHES = "place_batches"
    SYNC_BATCHES = "sync_batches"
    DELIVER = "deliver_due"
    SEND_REBALANCE_NOTICE = "send_rebalance_notice"
    REMIND_SIP = "remind_sip"
    REPLAY = "replay"
    APPLY_TRADEBOOK = "apply_tradebook"


def enqueue(task: TaskName, *, row: int, attempt: int) -> None:
    """Sends after the commit. `attempt` is the row's current fencing token: a message can acquire one lease."""
    on_commit(lambda: _send(task, {"row": row, "attempt": attempt}), robust=True)


def enqueue_soon(task: TaskName) -> None:
    """Sends after the commit that some rows are due. At most one message in QUIET_SECONDS: a worker stays for longer.

    A message that no worker picks up within two seconds expires, because the beat has sent another by then.
    """
    on_commit(lambda: _enqueue_soon(task), robust=True)


def also_named(old: str, task: Callable[..., Any]) -> None:
    """Registers `task` under its name of the last release too: messages that wait in the queue still run."""

    @shared_task(name=old)
    def run(**row: int) -> None:
        warn_of_old_name(f"The task {old}", getattr(task, "name", ""))
        task(**row)


class QueueDown(Exception):
    """The queue's broker refused the connection or dropped it."""


def messages_waiting(queues: Iterable[str]) -> int:
    """Messages that no worker has picked up: a list's length on Redis, files with embedded. Raises QueueDown."""
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


def _enqueue_soon(task: TaskName) -> None:
    quiet = time.monotonic() - _last_enqueued.get(task, -QUIET_SECONDS) < QUIET_SECONDS
    if not quiet or current_app.conf.task_always_eager:
        _last_enqueued[task] = time.monotonic()
        _send(task, {}, expires=EXPIRES_SECONDS)


def _send(task: TaskName, row: Mapping[str, int], *, expires: float | None = None) -> None:
    message = current_app.signature(task.value, kwargs=dict(row))
    try:
        message.apply_async(retry=False, expires=expires)  # type: ignore[arg-type]  # None is never, and the default
    except (OperationalError, OSError) as error:
        metrics.message_lost(task=task.value)
        log.warning("No wake-up message for %s %s: %s. The sweep will find it.", task.value, row.get("row", ""), error)
