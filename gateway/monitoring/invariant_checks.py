"""What must be true of the books at every moment: how an app states it, and how it is looked at."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db.models import DateTimeField, ExpressionWrapper, F, Model, Q, QuerySet, Value
from django.db.models.expressions import CombinedExpression

from gateway.models import Gateway, Work

M = TypeVar("M", bound=Model)
W = TypeVar("W", bound=Work)

SHOWN: Final = 20
# A backlog is worked off in minutes; what nobody has touched for this long is touched by nobody.
STUCK_AFTER: Final = timedelta(minutes=15)
# The longest lease is two minutes; beyond this it is a mistake that keeps a row from all workers.
LONGEST_LEASE: Final = timedelta(minutes=10)
Rows = QuerySet[Any, Any]  # of dicts: values() tells mypy more than the invariants have in common


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose books, and when by the wall. Events older than `kept_for` have been cleared away."""

    wall: datetime
    kept_for: timedelta
    gateway: Gateway | None = None

    def of(self, rows: QuerySet[M], owner: str = "gateway") -> QuerySet[M]:
        """`rows` of the gateway that is looked at; `owner` is the path from a row to its gateway."""
        return rows if self.gateway is None else rows.filter(**{owner: self.gateway})

    def kept_since(self, owner: str = "gateway") -> "ExpressionWrapper[CombinedExpression]":
        """Since when each row's own gateway has all its events."""
        since = Value(self.wall - self.kept_for, DateTimeField()) + F(f"{owner}__clock_offset")
        return ExpressionWrapper(since, output_field=DateTimeField())

    def now(self, owner: str = "gateway") -> "ExpressionWrapper[CombinedExpression]":
        """What each row's own gateway's clock shows."""
        shown = Value(self.wall, DateTimeField()) + F(f"{owner}__clock_offset")
        return ExpressionWrapper(shown, output_field=DateTimeField())


@dataclass(frozen=True, slots=True)
class Invariant:
    """`name` is read aloud as constraints' names are; `offenders` asks one question and gives the rows that break it.

    Each row names its ids and the facts that contradict each other. `at_rest`: only asked where everything ought to
    have come to its end.
    """

    name: str
    means: str
    remedy: str
    offenders: Callable[[Scope], Rows]
    at_rest: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """`first` are at most SHOWN of the `count` offenders."""

    invariant: Invariant
    count: int
    first: tuple[Mapping[str, Any], ...]


def examine(invariants: Iterable[Invariant], scope: Scope) -> Iterator[Finding]:
    """One after the other; a sound one costs one query, and memory does not grow with the books."""
    for invariant in invariants:
        rows = invariant.offenders(scope)
        first = tuple(rows[: SHOWN + 1])
        count = len(first) if len(first) <= SHOWN else rows.count()
        yield Finding(invariant, count, first[:SHOWN])


def stuck(rows: Callable[[], QuerySet[W]], *ids: str, what: str, remedy: str) -> Invariant:
    """Of work: nothing that is due has been left alone for long."""

    def offenders(scope: Scope) -> Rows:
        left_alone = Q(leased_until__lt=scope.wall - STUCK_AFTER, due_at__lt=scope.now() - STUCK_AFTER)
        return scope.of(rows()).filter(left_alone).order_by("due_at").values(*ids, "due_at", "leased_until", "attempts")

    return Invariant(
        name=f"no_{what}_is_stuck",
        means=f"No {_spelt(what)} has been due by its gateway's clock, and leased by nobody, for a quarter of an hour.",
        remedy=remedy,
        offenders=offenders,
    )


def _spelt(what: str) -> str:
    return what.replace("_", " ")


def leased_for_ever(rows: Callable[[], QuerySet[W]], *ids: str, what: str) -> Invariant:
    """Of work: no lease outlives every worker."""

    def offenders(scope: Scope) -> Rows:
        held = Q(due_at__isnull=False, leased_until__gt=scope.wall + LONGEST_LEASE)
        return scope.of(rows()).filter(held).order_by("-leased_until").values(*ids, "leased_until", "attempts")

    return Invariant(
        name=f"no_{what}_is_leased_for_ever",
        means=f"No {_spelt(what)} that is owed is leased for more than ten minutes from now.",
        remedy="Compare the clocks of the machines; then set leased_until to now, and the sweep offers the row again.",
        offenders=offenders,
    )
