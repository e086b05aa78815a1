"""Doors for the bell and the beat."""

from celery import shared_task

from gateway.jobs import Job
from gateway.work import offer_due
from transactions.services import execution
from transactions.services.waking import followed, queued
from transactions.tradebook.services import applying


@shared_task(name=Job.PLACE_BATCH.value)
def place_batch(*, row: int, attempt: int) -> None:
    execution.place_batch(row=row, attempt=attempt)


@shared_task(name=Job.SYNC_BATCH.value)
def sync_batch(*, row: int, attempt: int) -> None:
    execution.sync_batch(row=row, attempt=attempt)


@shared_task(name="sweep_batches")
def sweep_batches() -> int:
    """How many it rang for."""
    to_place = offer_due(queued(), Job.PLACE_BATCH)
    return to_place + offer_due(followed(), Job.SYNC_BATCH)


@shared_task(name=Job.APPLY_TRADEBOOK.value)
def apply_tradebook(*, row: int, attempt: int) -> None:
    applying.apply_book(row=row, attempt=attempt)


@shared_task(name="sweep_tradebooks")
def sweep_tradebooks() -> int:
    """How many it rang for."""
    return applying.offer_due_books()
