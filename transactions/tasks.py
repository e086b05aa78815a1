"""Celery tasks, started by wake-up messages and by the beat."""

from typing import Final

from celery import current_app, shared_task

from gateway.queue.enqueue import TaskName
from transactions.execution import place_and_poll
from transactions.execution.batch_worker import LINGER_SECONDS, Kind, Shift
from transactions.execution.requeue import followed, queued
from transactions.reconciliation.tradebook import apply_rows

# Of the process that has placed, so that no other need be woken to ask.
FOLLOWING: Final = Kind(followed, place_and_poll.follow)
placing = Shift(TaskName.PLACE_BATCHES, [Kind(queued, place_and_poll.place), FOLLOWING])
following = Shift(TaskName.SYNC_BATCHES, [FOLLOWING])


@shared_task(name=TaskName.PLACE_BATCHES.value)
def place_batches() -> int:
    """How many were placed or asked about. Also the beat's: a lost wake-up message costs a second."""
    return _work(placing)


@shared_task(name=TaskName.SYNC_BATCHES.value)
def sync_batches() -> int:
    """How many. For those that were woken; what is to be looked at again later, the beat finds."""
    return _work(following)


def _work(shift: Shift) -> int:
    """Whoever calls eagerly waits for it: for as long as the quickest brokers need, and no longer."""
    return shift.work(linger=0.03 if current_app.conf.task_always_eager else LINGER_SECONDS)


@shared_task(name=TaskName.APPLY_TRADEBOOK.value)
def apply_tradebook(*, row: int, attempt: int) -> None:
    apply_rows.apply_book(row=row, attempt=attempt)


@shared_task(name="sweep_tradebooks")
def sweep_tradebooks() -> int:
    """The number of rows dispatched."""
    return apply_rows.offer_due_books()
