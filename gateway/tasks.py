"""Celery tasks, started by the beat."""

from celery import shared_task

from gateway.api import idempotency
from gateway.partners import clock


@shared_task(name="forget_old_requests")
def forget_old_requests() -> None:
    idempotency.forget_old(now=clock.wall())
