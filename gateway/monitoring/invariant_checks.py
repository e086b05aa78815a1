"""Invariants of the data: how an app declares them, and how they are checked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

from django.db.models import DateTimeField, ExpressionWrapper, F, Model, Q, QuerySet, Value
from django.db.models.expressions import CombinedExpression

from gateway.models import Gateway, Work

M = TypeVar("M", bound=Model)
W = TypeVar("W", bound=Work)

SHOWN: Final = 20
# Backlogs are gone within minutes; a row that waits this long has no worker.
STUCK_AFTER: Final = timedelta(minutes=15)
# The longest lease is two minutes; a longer one is an error that hides the row from all workers.
LONGEST_LEASE: Final = timedelta(minutes=10)
SWEEP: Final = "Check that a worker and the beat run; the sweep then sends a wake-up message within seconds."
CLOCKS: Final = "Compare the clocks of the machines; then set leased_until to now, and the sweep offers the row again."
Rows = QuerySet[Any, Any]  # of dicts: values() has a more precise type for mypy, which differs between invariants


@dataclass(frozen=True, slots=True)
class Scope:
    """The gateway to check (None: all), and real time. Events older than `kept_for` have been deleted."""

    wall: datetime
    kept_for: timedelta
    gateway: Gateway | None = None

    def of(self, rows: QuerySet[M], owner: str = "gateway") -> QuerySet[M]:
        """`rows` of the gateway to check; `owner` is the path from a row to its gateway."""
        return rows if self.gateway is None else rows.filter(**{owner: self.gateway})

    def kept_since(self, owner: str = "gateway") -> "ExpressionWrapper[CombinedExpression]":
        """The time since when each row's gateway has all its events."""
        since = Value(self.wall - self.kept_for, DateTimeField()) + F(f"{owner}__clock_offset")
        return ExpressionWrapper(since, output_field=DateTimeField())

    def now(self, owner: str = "gateway") -> "ExpressionWrapper[CombinedExpression]":
        """The time on the clock of each row's gateway."""
        shown = Value(self.wall, DateTimeField()) + F(f"{owner}__clock_offset")
        return ExpressionWrapper(shown, output_field=DateTimeField())


Offenders: TypeAlias = Callable[[Scope], Rows]


@dataclass(frozen=True, slots=True)
class Invariant:
    """`name` reads like a constraint's name; `offenders` is one query for the rows that break the invariant.

    Each row has its ids and the contradictory facts. `at_rest`: checked only if all work should be complete.
    """

    name: str
    means: str
    remedy: str
    offenders: Offenders
    at_rest: bool = False


class Rules(list[Invariant]):
    """An app's invariants."""

    def rule(self, *, means: str, remedy: str, at_rest: bool = False) -> Callable[[Offenders], Offenders]:
        """Adds the decorated query of offenders; the function's name is the invariant's."""

        def add(offenders: Offenders) -> Offenders:
            self.append(Invariant(offenders.__name__, means, remedy, offenders, at_rest))
            return offenders

        return add

    def stuck(self, rows: Callable[[], QuerySet[W]], *ids: str, what: str, remedy: str = SWEEP) -> None:
        """Adds an invariant of work: no due row waits for a worker for long."""

        def offenders(scope: Scope) -> Rows:
            left_alone = Q(leased_until__lt=scope.wall - STUCK_AFTER, due_at__lt=scope.now() - STUCK_AFTER)
            waiting = scope.of(rows()).filter(left_alone).order_by("due_at")
            return waiting.values(*ids, "due_at", "leased_until", "attempts")

        means = f"No {_spelt(what)} has been due by its gateway's clock for 15 minutes without a worker on it."
        self.append(Invariant(f"no_{what}_is_stuck", means, remedy, offenders))

    def leased_for_ever(self, rows: Callable[[], QuerySet[W]], *ids: str, what: str) -> None:
        """Adds an invariant of work: no lease lasts longer than a worker may."""

        def offenders(scope: Scope) -> Rows:
            held = Q(due_at__isnull=False, leased_until__gt=scope.wall + LONGEST_LEASE)
            return scope.of(rows()).filter(held).order_by("-leased_until").values(*ids, "leased_until", "attempts")

        means = f"No pending {_spelt(what)} is leased for more than ten minutes from now."
        self.append(Invariant(f"no_{what}_is_leased_for_ever", means, CLOCKS, offenders))


def _spelt(what: str) -> str:
    return what.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Finding:
    """`first` are at most SHOWN of the `count` offenders."""

    invariant: Invariant
    count: int
    first: tuple[Mapping[str, Any], ...]


def examine(invariants: Iterable[Invariant], scope: Scope) -> Iterator[Finding]:
    """Checks one invariant after the other. An intact invariant costs one query; memory does not grow with the data."""
    for invariant in invariants:
        rows = invariant.offenders(scope)
        first = tuple(rows[: SHOWN + 1])
        count = len(first) if len(first) <= SHOWN else rows.count()
        yield Finding(invariant, count, first[:SHOWN])
