"""The Celery app: the same on the filesystem of a laptop and on Redis with many workers."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_failure, task_prerun
from django.db import close_old_connections, connections

from gateway import folder_queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
folder_queue.install()

app = Celery("gateway")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery closes Django's connection around every task; CONN_MAX_AGE and health checks do that job better.
app.conf["CELERY_DB_REUSE_MAX"] = 10**9
app.autodiscover_tasks(["gateway", "transactions", "smallcases", "webhooks"])


@task_prerun.connect
def _drop_dead_connections(**_: Any) -> None:
    if not app.conf.task_always_eager:
        close_old_connections()


@task_failure.connect
def _drop_connections(**_: Any) -> None:
    """A task that failed may have failed because of its connection."""
    if not app.conf.task_always_eager:
        connections.close_all()
