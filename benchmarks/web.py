"""Compares two web servers under the same load, in turns."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bare import nothing
from benchmarks.figures import Row, Side, Target, interleaved, ratios
from benchmarks.load import Shot, shoot
from benchmarks.machine import busy
from benchmarks.stage import Stage

CONNECTIONS = 16
WARM_UP = 0.3  # of a round's length


@dataclass(frozen=True, slots=True)
class Rivals:
    """The shots of each round; `cores` shows which processes were busy in a round of ours."""

    ours: list[Shot]
    theirs: list[Shot]
    cores: str

    def rates(self, *, path: str, against: str, target: Target) -> Row:
        mine, other = [shot.rate for shot in self.ours], [shot.rate for shot in self.theirs]
        sides = (Side("gateway", "requests/s", tuple(mine)), Side("other", "requests/s", tuple(other)))
        figures = ratios(mine, other)
        unit = "× its requests/s"
        return Row(path=path, against=against, unit=unit, figures=figures, target=target, sides=sides, note=self.cores)

    def tails(self, *, path: str, against: str, target: Target) -> Row:
        mine, other = [1000 * shot.p99 for shot in self.ours], [1000 * shot.p99 for shot in self.theirs]
        sides = (Side("gateway", "ms", tuple(mine)), Side("other", "ms", tuple(other)))
        return Row(
            path=path, against=against, unit="× its p99", figures=ratios(mine, other), target=target, sides=sides
        )


def rivals(
    stage: Stage,
    ours: tuple[int, Sequence[bytes]],
    theirs: tuple[int, Sequence[bytes]],
    *,
    connections: int = CONNECTIONS,
) -> Rivals:
    """Ports and requests of both. `web` is the name of our server on the stage."""
    seconds = stage.knobs.seconds
    for port, requests in (ours, theirs):
        shoot(port, requests, seconds=max(seconds * WARM_UP, 0.3), connections=connections)
    with stage.watched("web") as cores:
        shoot(*ours, seconds=seconds, connections=connections)
    mine, other = interleaved(
        stage.knobs.rounds,
        lambda: shoot(*ours, seconds=seconds, connections=connections),
        lambda: shoot(*theirs, seconds=seconds, connections=connections),
    )
    return Rivals(mine, other, busy(cores))


def ceiling(stage: Stage, requests: Sequence[bytes]) -> float:
    """The most requests per second that the load generator can send, to a server that does nothing."""
    options = ["--interface", "rsgi", "--http", "1", "--no-ws", "--log-level", "error"]
    port = stage.granian("nothing", f"{nothing.__name__}:application", 1, options, stage.environment)
    rate = shoot(port, requests, seconds=min(stage.knobs.seconds, 3)).rate
    stage.stop("nothing")
    return rate
