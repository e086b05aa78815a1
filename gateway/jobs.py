"""The bell. It hints that a row is due; the row itself says so, and a sweep finds it when the bell is lost."""

import logging
from enum import Enum

from celery import current_app
from django.db.transaction import on_commit
from kombu.exceptions import OperationalError

from gateway import metrics

log = logging.getLogger(__name__)


class Job(Enum):
    """Names of the Celery tasks that work on one row each."""

    PLACE_BATCH = "place_batch"
    SYNC_BATCH = "sync_batch"
    DELIVER = "deliver"
    ANNOUNCE = "announce"
    TELL_SIP = "tell_sip"


def ring(job: Job, *, row: int, attempt: int) -> None:
    """After commit. `attempt` is the row's fence as it stands: the bell is worth one claim."""

    def send() -> None:
        try:
            current_app.signature(job.value, kwargs={"row": row, "attempt": attempt}).apply_async(retry=False)
        except (OperationalError, OSError) as error:
            metrics.bell_lost(job=job.value)
            log.warning("No bell for %s %s: %s. The sweep will find it.", job.value, row, error)

    on_commit(send, robust=True)
