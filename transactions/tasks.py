"""Celery tasks, started by wake-up messages and by the beat."""

from functools import cache

from celery import current_app, shared_task
from django.conf import settings

from gateway.queue import leases
from gateway.queue.enqueue import IDLE_GRACE_SECONDS, TaskName
from transactions.execution import broker_sessions
from transactions.execution.batch_worker import BatchWorker
from transactions.execution.broker_calls import BrokerCalls
from transactions.reconciliation.tradebook import apply_rows


@shared_task(name=TaskName.PLACE_BATCHES.value)
def place_batches() -> int:
    """The number of batches placed or polled. The beat runs it, too, so a lost wake-up message costs a second."""
    return _work()


@shared_task(name=TaskName.SYNC_BATCHES.value)
def sync_batches() -> int:
    """As place_batches, for requeued batches. The beat starts the polling of batches due later."""
    return _work()


def _work() -> int:
    """With eager tasks the caller waits, so the idle grace is only as long as the fastest brokers need."""
    return _worker().work(idle_grace=0.03 if current_app.conf.task_always_eager else IDLE_GRACE_SECONDS)


@cache
def _worker() -> BatchWorker:
    """The worker of this process. Created at first use, after any fork, because threads do not survive a fork."""
    return BatchWorker(BrokerCalls(settings.BROKER_CALLS_AT_ONCE, settings.BROKER_CALLS_PER_LINK))


@shared_task(name=TaskName.APPLY_TRADEBOOK.value)
def apply_tradebook(*, row: int, attempt: int) -> None:
    apply_rows.apply_book(row=row, attempt=attempt)


@shared_task(name="end_unused_sessions")
def end_unused_sessions() -> int:
    return broker_sessions.end_unused_sessions()


@shared_task(name="sweep_tradebooks")
def sweep_tradebooks() -> int:
    return leases.dispatch_due(apply_rows.tradebooks(), TaskName.APPLY_TRADEBOOK)
