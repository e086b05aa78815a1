"""What the apps contribute to monitoring and to the console: queues, invariants, gauges, requirements, tiles.

An app registers in AppConfig.ready() the dotted paths of its functions. They are imported at first use: the gateway
names no app, and a worker starts without the console's pages. Registering twice is the same as registering once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.utils.module_loading import import_string

from gateway.queue.enqueue import TaskName


@dataclass(frozen=True, slots=True)
class GaugeSource:
    """`count` is a function without arguments that runs one statement."""

    name: str
    describes: str
    count: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the console's home page, for users with `permission`.

    `context` is a function of the user and real time that returns template variables, with names of the app's own.
    Tiles are ordered by `position`.
    """

    position: int
    permission: str
    template: str
    context: str


_queues: Final[dict[TaskName, str]] = {}
_invariants: Final[dict[tuple[str, str], None]] = {}
_gauges: Final[dict[str, GaugeSource]] = {}
_requirements: Final[dict[str, None]] = {}
_tiles: Final[dict[str, Tile]] = {}


def register_queue(task: TaskName, rows: str) -> None:
    """`rows` is a function that returns all rows that `task` works on, due or not."""
    _queues[task] = rows


def register_invariants(app: str, invariants: str) -> None:
    """`invariants` is a sequence of invariant_checks.Invariant; `app` is the label that the doctor prints."""
    _invariants[app, invariants] = None


def register_gauge(gauge: GaugeSource) -> None:
    _gauges[gauge.name] = gauge


def register_requirement(problems: str) -> None:
    """`problems` is a function that yields a sentence for each reason why the gateway cannot take orders."""
    _requirements[problems] = None


def register_tile(tile: Tile) -> None:
    _tiles[tile.template] = tile


def queues() -> Iterator[tuple[TaskName, Any]]:
    """Each task with the function that returns its rows, in the order of TaskName."""
    return ((task, import_string(_queues[task])) for task in TaskName if task in _queues)


def invariants() -> Iterator[tuple[str, Any]]:
    """Each invariant with the label of its app, in the order of INSTALLED_APPS."""
    return ((app, invariant) for app, several in _invariants for invariant in import_string(several))


def gauges() -> Iterator[tuple[GaugeSource, int]]:
    return ((gauge, import_string(gauge.count)()) for gauge in _gauges.values())


def unmet_requirements() -> Iterator[str]:
    """A sentence for each reason why the gateway cannot take orders."""
    for problems in _requirements:
        yield from import_string(problems)()


def tiles() -> list[Tile]:
    return sorted(_tiles.values(), key=lambda tile: tile.position)
