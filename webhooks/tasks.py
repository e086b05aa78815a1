"""Doors for the bell and the beat."""

from celery import shared_task

from gateway.jobs import Job
from gateway.work import offer_due
from webhooks.services import delivery


@shared_task(name=Job.DELIVER.value)
def deliver(*, row: int, attempt: int) -> None:
    delivery.deliver(row=row, attempt=attempt)


@shared_task(name="sweep_deliveries")
def sweep_deliveries() -> None:
    offer_due(delivery.next_in_line(), Job.DELIVER)
