"""The Celery app, for the filesystem of a laptop and for Redis with many workers."""

import gc
import logging
import os
from typing import Any

from celery import Celery
from celery.signals import (
    celeryd_init,
    setup_logging,
    task_failure,
    task_prerun,
    worker_before_create_process,
    worker_ready,
)
from django.conf import settings
from django.db import close_old_connections, connections
from django.utils.log import configure_logging

from gateway.monitoring import exporter
from gateway.queue import filesystem_transport, redis_transport, task_signals

__all__ = ["app", "task_signals"]  # importing task_signals connects its handlers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
# Django's system checks cover URLs, forms and pages, which workers do not serve; `manage.py migrate` runs them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
filesystem_transport.install()
redis_transport.install()

app = Celery("gateway")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery closes Django's connection around every task; CONN_MAX_AGE and health checks are enough.
app.conf["CELERY_DB_REUSE_MAX"] = 10**9
app.autodiscover_tasks(["gateway", "transactions", "smallcases", "webhooks"])


@celeryd_init.connect  # workers log before Celery's own set-up
@setup_logging.connect
def _log_as_everywhere(**_: Any) -> None:
    """A connected handler keeps Celery from configuring the log. LOG_LEVEL applies; --loglevel has no effect."""
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    logging.captureWarnings(True)


@worker_before_create_process.connect
def _share_what_is_loaded(**_: Any) -> None:
    """A garbage collection in a child would write to every shared object and thereby copy it."""
    gc.freeze()


@worker_ready.connect
def _show_metrics(**_: Any) -> None:
    exporter.serve(settings.WORKER_METRICS_PORT)


@task_prerun.connect
def _drop_dead_connections(**_: Any) -> None:
    if not app.conf.task_always_eager:
        close_old_connections()


@task_failure.connect
def _drop_connections(**_: Any) -> None:
    """A task may have failed because of its connection."""
    if not app.conf.task_always_eager:
        connections.close_all()
