"""Celery tasks, started by wake-up messages and by the beat."""

from typing import Final

from celery import current_app, shared_task

from gateway.queue.enqueue import TaskName
from transactions.execution import place_and_poll
from transactions.execution.batch_worker import IDLE_GRACE_SECONDS, BatchWorker, WorkType
from transactions.execution.requeue import awaiting_placement, needs_polling
from transactions.reconciliation.tradebook import apply_rows

# The process that places batches also polls them, so no other process must be woken.
POLLING: Final = WorkType(needs_polling, place_and_poll.poll)
placer = BatchWorker(TaskName.PLACE_BATCHES, [WorkType(awaiting_placement, place_and_poll.place), POLLING])
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


@shared_task(name="sweep_tradebooks")
def sweep_tradebooks() -> int:
    return apply_rows.offer_due_books()
