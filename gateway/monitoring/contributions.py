"""What the apps contribute to monitoring and to the console: queues, invariants, gauges, requirements, tiles.

An app registers in AppConfig.ready() the dotted paths of its own functions. They are imported when they are first asked
for: no app is named here, and a worker starts without the pages of the console. Registering twice is registering once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.utils.module_loading import import_string

from gateway.queue.enqueue import TaskName


@dataclass(frozen=True, slots=True)
class GaugeSource:
    """`count` is a function of no argument; it costs one statement."""

    name: str
    describes: str
    count: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the console's home page, for those who have `permission`.

    `context` is a function of the user and of the wall's time; its keys are the app's own. Tiles are in the order
    of `position`.
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
    """`rows` is a function that returns the queryset of the rows that `task` works on, due or not."""
    _queues[task] = rows


def register_invariants(app: str, invariants: str) -> None:
    """`invariants` is a sequence of invariant_checks.Invariant; `app` is the label that the doctor prints."""
    _invariants[app, invariants] = None


def register_gauge(gauge: GaugeSource) -> None:
    _gauges[gauge.name] = gauge


def register_requirement(problems: str) -> None:
    """`problems` is a function that returns a sentence for each thing without which no order can be taken."""
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
    for problems in _requirements:
        yield from import_string(problems)()


def tiles() -> list[Tile]:
    return sorted(_tiles.values(), key=lambda tile: tile.position)
