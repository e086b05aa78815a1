"""Celery tasks, started by wake-up messages and by the beat."""

from typing import Final

from celery import current_app, shared_task

from gateway.queue.enqueue import TaskName
from transactions.execution import place_and_poll
from transactions.execution.batch_worker import IDLE_GRACE_SECONDS, BatchWorker, WorkType
from transactions.execution.requeue import awaiting_placement, needs_polling
from transactions.reconciliation.tradebook import apply_rows

# Of the process that has placed, so that no other need be woken to ask.
POLLING: Final = WorkType(needs_polling, place_and_poll.poll)
placer = BatchWorker(TaskName.PLACE_BATCHES, [WorkType(awaiting_placement, place_and_poll.place), POLLING])
poller = BatchWorker(TaskName.SYNC_BATCHES, [POLLING])


@shared_task(name=TaskName.PLACE_BATCHES.value)
def place_batches() -> int:
    """How many were placed or asked about. Also the beat's: a lost wake-up message costs a second."""
    return _work(placer)


@shared_task(name=TaskName.SYNC_BATCHES.value)
def sync_batches() -> int:
    """How many. For those that were woken; what is to be looked at again later, the beat finds."""
    return _work(poller)


def _work(worker: BatchWorker) -> int:
    """Whoever calls eagerly waits for it: for as long as the quickest brokers need, and no longer."""
    return worker.work(idle_grace=0.03 if current_app.conf.task_always_eager else IDLE_GRACE_SECONDS)


@shared_task(name=TaskName.APPLY_TRADEBOOK.value)
def apply_tradebook(*, row: int, attempt: int) -> None:
    apply_rows.apply_book(row=row, attempt=attempt)


@shared_task(name="sweep_tradebooks")
def sweep_tradebooks() -> int:
    """The number of rows dispatched."""
    return apply_rows.offer_due_books()
