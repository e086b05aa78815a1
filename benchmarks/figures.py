"""A row of the table: the measured figure of each round, the target, and whether it is reached."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any, Final, Self, TypeVar

A = TypeVar("A")
B = TypeVar("B")
NOT_MEASURED: Final = "not measured"


@dataclass(frozen=True, slots=True)
class Target:
    """`strictly`: a figure equal to the bound does not reach it."""

    bound: float
    is_floor: bool
    strictly: bool = False

    def is_reached(self, figure: float) -> bool:
        if figure == self.bound:
            return not self.strictly
        return (figure > self.bound) == self.is_floor

    def __str__(self) -> str:
        sign = (">" if self.is_floor else "<") if self.strictly else ("≥" if self.is_floor else "≤")
        return f"{sign} {told(self.bound)}"


def at_least(bound: float) -> Target:
    return Target(bound, is_floor=True)


def at_most(bound: float) -> Target:
    return Target(bound, is_floor=False)


def more_than(bound: float) -> Target:
    return Target(bound, is_floor=True, strictly=True)


def less_than(bound: float) -> Target:
    return Target(bound, is_floor=False, strictly=True)


@dataclass(frozen=True, slots=True)
class Side:
    """The figures of one side in each round; `name` and `unit` as in "the gateway 310 requests/s"."""

    name: str
    unit: str
    rounds: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.name} {told(median(self.rounds))} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`figures` are those of the rounds; the row's figure is their median. A row without a target is for information.

    `held_back` is the profile's result for a row that misses its target.
    """

    path: str
    against: str
    unit: str
    figures: tuple[float, ...]
    target: Target | None = None
    sides: tuple[Side, ...] = ()
    note: str = ""
    held_back: str = ""

    @property
    def figure(self) -> float | None:
        return median(self.figures) if self.figures else None

    @property
    def is_reached(self) -> bool | None:
        """None without a target. A figure that was not measured is not reached."""
        if self.target is None:
            return None
        return self.figure is not None and self.target.is_reached(self.figure)

    @property
    def verdict(self) -> str:
        if self.figure is None:
            return NOT_MEASURED
        return {None: "", True: "reached", False: "not reached"}[self.is_reached]

    @property
    def shown(self) -> str:
        """The median, with the range if there is more than one round."""
        if self.figure is None:
            return "–"
        if len(self.figures) == 1:
            return told(self.figure)
        return f"{told(self.figure)} ({told(min(self.figures))} – {told(max(self.figures))})"

    def explained(self, why: Callable[[], str]) -> Self:
        """Calls `why` only if the row misses its target, because a profile costs a round."""
        return replace(self, held_back=why()) if self.is_reached is False else self

    def as_json(self) -> dict[str, Any]:
        """`figure` and `reached` are for readers; `row_from` computes them again."""
        return {**asdict(self), "figure": self.figure, "reached": self.is_reached}


def row_from(read: dict[str, Any]) -> Row:
    target = read["target"] and Target(**read["target"])
    sides = tuple(Side(one["name"], one["unit"], tuple(one["rounds"])) for one in read["sides"])
    texts = {name: read[name] for name in ("path", "against", "unit", "note", "held_back")}
    return Row(**texts, figures=tuple(read["figures"]), target=target, sides=sides)


def ratios(mine: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Round by round, because other load on the machine affects both. ZeroDivisionError if one of `theirs` is 0."""
    return tuple(a / b for a, b in zip(mine, theirs, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` of them do not exceed; IndexError if there are none."""
    ordered = sorted(values)
    rank = -int(-share * len(ordered) // 1)  # rounded up
    return ordered[max(rank, 1) - 1]


def interleaved(rounds: int, one: Callable[[], A], other: Callable[[], B]) -> tuple[list[A], list[B]]:
    """A B A B: a machine that slows down slows both."""
    pairs = [(one(), other()) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def told(figure: float) -> str:
    """Three significant digits, thousands separated."""
    size = abs(figure)
    if size >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if size >= 10 else f"{figure:.2f}"
