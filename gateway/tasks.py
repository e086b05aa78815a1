"""Doors for the beat."""

from celery import shared_task

from gateway import clock, idempotency


@shared_task(name="forget_old_requests")
def forget_old_requests() -> None:
    idempotency.forget_old(now=clock.wall())
