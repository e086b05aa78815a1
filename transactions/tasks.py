"""Celery tasks, started by wake-up messages and by the beat."""

from typing import Final

from celery import current_app, shared_task

from gateway.queue import leases
from gateway.queue.enqueue import IDLE_GRACE_SECONDS, TaskName
from transactions.execution import broker_sessions, place_and_poll
from transactions.execution.batch_worker import BatchWorker, WorkType
from transactions.reconciliation.tradebook import apply_rows

# The process that places batches also polls them, so no other process must be woken.
POLLING: Final = WorkType(is_queued=False, work_on=place_and_poll.poll)
placer = BatchWorker(TaskName.PLACE_BATCHES, [WorkType(is_queued=True, work_on=place_and_poll.place), POLLING])
poller = BatchWorker(TaskName.SYNC_BATCHES, [POLLING])


@shared_task(name=TaskName.PLACE_BATCHES.value)
def place_batches() -> int:
    """The number of batches placed or polled. The beat runs it, too, so a lost wake-up message costs a second."""
    return _work(placer)


@shared_task(name=TaskName.SYNC_BATCHES.value)
def sync_batches() -> int:
    """The number of batches polled, for requeued batches. The beat starts the polling of batches due later."""
    return _work(poller)


def _work(worker: BatchWorker) -> int:
    """With eager tasks the caller waits, so the idle grace is only as long as the fastest brokers need."""
    return worker.work(idle_grace=0.03 if current_app.conf.task_always_eager else IDLE_GRACE_SECONDS)


@shared_task(name=TaskName.APPLY_TRADEBOOK.value)
def apply_tradebook(*, row: int, attempt: int) -> None:
    apply_rows.apply_book(row=row, attempt=attempt)


@shared_task(name="end_unused_sessions")
def end_unused_sessions() -> int:
    return broker_sessions.end_unused_sessions()


@shared_task(name="sweep_tradebooks")
def sweep_tradebooks() -> int:
    return leases.dispatch_due(apply_rows.tradebooks(), TaskName.APPLY_TRADEBOOK)
