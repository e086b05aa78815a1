"""Scaling on one machine: two and four processes against one, for the web, the workers and the webhook workers."""

from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.copying import forget
from benchmarks.figures import Row, Side, ratios
from benchmarks.load import shoot
from benchmarks.machine import busy
from benchmarks.paths.create import creating, partner
from benchmarks.playing import logged_in, played
from benchmarks.stage import Stage
from gateway.models import Gateway

SIZES: Final = (1, 2, 4)
BASKETS: Final = 800
NAMES: Final = 10


def measure(stage: Stage) -> Iterator[Row]:
    asked = [creating(partner())]

    def web(number: int) -> tuple[float, str]:
        port = stage.web(workers=number)
        shoot(port, asked, seconds=max(0.3, stage.knobs.seconds / 5))
        with stage.watched("web") as cores:
            rate = shoot(port, asked, seconds=stage.knobs.seconds).rate
        stage.stop("web")
        return rate, busy(cores)

    def worker(number: int) -> tuple[float, str]:
        stage.worker(processes=number)
        stage.beat()
        pks = logged_in(Gateway.objects.get(name="bench"), number=stage.knobs.many(BASKETS, least=10), names=NAMES)
        with stage.watched("worker") as cores:
            took = played(stage, pks, names=NAMES)
        stage.stop("beat", "worker")
        stage.empty_queue()
        forget(stage.database.url)
        return len(pks) * NAMES / took, busy(cores)

    yield from _rows(stage, "create transaction, web processes", "requests/s", web)
    yield from _rows(stage, f"confirm → completed, baskets of {NAMES}, worker processes", "orders/s", worker)


def _rows(stage: Stage, path: str, unit: str, run: Callable[[int], tuple[float, str]]) -> Iterator[Row]:
    """One, two, four, one, two, four …; the busy cores show which process is the bottleneck."""
    rounds = [[run(number) for number in SIZES] for _ in range(stage.knobs.rounds)]
    alone = [one[0][0] for one in rounds]
    for position, number in enumerate(SIZES[1:], start=1):
        rates = [one[position][0] for one in rounds]
        yield Row(
            path=f"{path}: {number}",
            against="one",
            unit=f"× its {unit}",
            figures=ratios(rates, alone),
            sides=(Side("one", unit, tuple(alone)), Side(str(number), unit, tuple(rates))),
            note=rounds[-1][position][1],
        )
