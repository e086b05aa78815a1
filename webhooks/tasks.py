"""Celery tasks, started by wake-up messages and by the beat."""

import resource
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import Any, Final

from celery import current_app, shared_task
from celery.signals import worker_shutting_down
from django.conf import settings

from gateway.queue.enqueue import TaskName
from gateway.queue.leases import dispatch_due
from webhooks.delivery.client import ClientOptions
from webhooks.delivery.dispatcher import WebhookDispatcher
from webhooks.delivery.record_attempts import give_up_disabled
from webhooks.events import replay as replaying
from webhooks.events.retention import forget_old
from webhooks.models import Replay

OPEN_FILES: Final = 10_240  # enough for a dispatcher; macOS allows no more per process


@shared_task(name=TaskName.DELIVER.value)
def deliver_due() -> int:
    """Also runs from the beat, so a lost wake-up message costs a second."""
    if current_app.conf.task_always_eager:  # no later shift would finish the attempts in flight
        return _dispatcher().deliver_all()
    return _dispatcher().shift()


@shared_task(name="sweep_deliveries")
def sweep_deliveries() -> int:
    return give_up_disabled()


@shared_task(name="forget_old_events")
def forget_old_events() -> None:
    forget_old(keep=timedelta(days=settings.WEBHOOK_RETENTION_DAYS))


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    _dispatcher().is_stopping = True


@cache
def _dispatcher() -> WebhookDispatcher:
    """The dispatcher of this process. Created at first use, after any fork, because threads do not survive a fork."""
    allow_open_files()
    return WebhookDispatcher(
        ClientOptions(allow_private=settings.WEBHOOK_ALLOW_PRIVATE_NETWORKS, ca_file=settings.WEBHOOK_CA_FILE)
    )


def allow_open_files() -> None:
    """Raises this process's limit of open files: a dispatcher keeps more connections than the default limit allows
    (often 1,024; on macOS 256).

    macOS reports no hard limit but refuses "unlimited". If the system refuses this number as well, its own limit stays:
    fewer connections, but webhooks are sent.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@shared_task(name=TaskName.REPLAY.value)
def replay(*, row: int, attempt: int) -> None:
    replaying.replay(row=row, attempt=attempt)


@shared_task(name="sweep_replays")
def sweep_replays() -> None:
    dispatch_due(Replay.objects.all(), TaskName.REPLAY)
