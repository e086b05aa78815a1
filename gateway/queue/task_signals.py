"""Adds to every task: the request id that it carries, its log line, its metrics."""

import logging
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from celery.signals import before_task_publish, task_postrun, task_prerun

from gateway.telemetry import logs, metrics, request_id

HEADER: Final = "gateway_request_id"
OUTCOMES: Final = {"SUCCESS": "succeeded", "FAILURE": "failed", "RETRY": "retried"}
SWEEPS: Final = ("sweep_", "deliver_due", "place_batches", "sync_batches")
log = logging.getLogger("gateway.tasks")


@dataclass(frozen=True, slots=True)
class Running:
    began: float
    surroundings: ExitStack


@before_task_publish.connect
def _send_along(headers: dict[str, Any], **_: Any) -> None:
    """The beat serves no request, so its messages carry no id, and the worker creates one."""
    if current := request_id.current():
        headers[HEADER] = current


@task_prerun.connect
def _begin(task_id: str, task: Any, **_: Any) -> None:
    surroundings = ExitStack()
    surroundings.enter_context(request_id.bound(_asked_for_by(task)))
    surroundings.enter_context(logs.about(task=task.name, taskId=task_id))
    task.request.gateway_running = Running(perf_counter(), surroundings)


@task_postrun.connect
def _end(task: Any, retval: Any = None, state: str | None = None, **_: Any) -> None:
    running: Running = task.request.gateway_running
    with running.surroundings:
        seconds = perf_counter() - running.began
        outcome = OUTCOMES.get(state or "", "other")
        metrics.task_done(name=task.name, outcome=outcome, seconds=seconds)
        level = logging.DEBUG if _is_empty_sweep(task.name, outcome, retval) else logging.INFO
        milliseconds = round(seconds * 1000, 1)
        fields = {"outcome": outcome, "durationMs": milliseconds}
        log.log(level, "%s %s in %s ms", task.name, outcome, milliseconds, extra=fields)


def _asked_for_by(task: Any) -> str:
    if task.request.is_eager:
        return request_id.current() or request_id.fresh()
    return request_id.kept_or_fresh(task.request.get(HEADER))


def _is_empty_sweep(name: str, outcome: str, found: Any) -> bool:
    """A sweep returns how many rows it found. A sweep runs every second and is logged only if it found some."""
    return name.startswith(SWEEPS) and outcome == "succeeded" and not found
