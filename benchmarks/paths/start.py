"""Start time and memory of web and worker, against a bare Django project with DRF and Celery."""

import sys
from collections.abc import Callable, Iterator
from time import monotonic, sleep

from benchmarks import imports
from benchmarks.figures import Row, Side, at_most, interleaved, ratios
from benchmarks.load import request, shoot
from benchmarks.machine import family, memory_kb
from benchmarks.stage import Stage
from tests.processes.waiting import until

AGAINST = "a bare Django project with DRF and Celery"
USUAL = "benchmarks.bare.usual"
Start = tuple[float, float]  # seconds, and MB per process


def measure(stage: Stage) -> Iterator[Row]:
    """A web of two processes until its first response; a worker of two until it listens."""
    web = interleaved(stage.knobs.rounds, lambda: _web(stage, "web"), lambda: _web(stage, "bare"))
    yield from _rows(stage, "web", "gateway.rsgi", *web)
    worker = interleaved(stage.knobs.rounds, lambda: _worker(stage, "worker"), lambda: _worker(stage, "bare"))
    yield from _rows(stage, "worker", "gateway.celery", *worker)


def _rows(stage: Stage, path: str, module: str, ours: list[Start], theirs: list[Start]) -> Iterator[Row]:
    for position, (what, unit) in enumerate((("start", "s"), ("memory per process", "MB"))):
        mine, other = [one[position] for one in ours], [one[position] for one in theirs]
        sides = Side("gateway", unit, tuple(mine)), Side("other", unit, tuple(other))
        figures, name = ratios(mine, other), f"{path} {what}"
        row = Row(path=name, against=AGAINST, unit="×", figures=figures, target=at_most(1.5), sides=sides)
        yield row.explained(lambda: imports.told(module, stage.environment))


def _web(stage: Stage, name: str) -> Start:
    """Memory is measured after every process has answered some requests."""
    return _started(stage, name, lambda: _port(stage, name))


def _port(stage: Stage, name: str) -> None:
    port = stage.web() if name == "web" else stage.bare_web(settings=USUAL)
    shoot(port, [request("GET", "/healthz", headers={})], seconds=0.3)


def _worker(stage: Stage, name: str) -> Start:
    return _started(stage, name, lambda: _listens(stage, name))


def _listens(stage: Stage, name: str) -> None:
    if name == "worker":
        stage.worker()
    else:
        command = [sys.executable, "-m", "celery", "-A", "benchmarks.bare.celery", "worker", "--concurrency", "2"]
        stage.start(name, command, stage.environment | {"DJANGO_SETTINGS_MODULE": USUAL})
        stage.wait_for_listeners(1)


def _started(stage: Stage, name: str, start: Callable[[], None]) -> Start:
    until(lambda: stage.listening() == 0, what="the end of the last worker")
    began = monotonic()
    start()
    took = monotonic() - began
    sleep(1)  # for late start-up work
    root = stage.pid(name)
    held = memory_kb(root) / len(family(root)) / 1024
    stage.stop(name)
    return took, held
