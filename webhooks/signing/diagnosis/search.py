"""The search: every input has the value that was given and some that it may have been taken for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product
from typing import Any, Final

MOST_WRONG: Final = 2  # inputs at once; what fits with more of them changed fits by the searcher's zeal


class Cause(StrEnum):
    """Which input is wrong."""

    GENUINE = "genuine"
    SECRET = "secret"  # a name  # noqa: S105  # nosec B105
    ID = "id"
    TIMESTAMP = "timestamp"
    BODY = "body"
    AUTH_ID = "smallcaseAuthId"
    MESSAGE = "message"
    FORM = "form"
    TOLERANCE = "tolerance"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Mistake:
    cause: Cause
    sentence: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A value, and what is wrong if it is the one that fits; None: nothing, for it is the one that was given."""

    value: Any
    finding: Mistake | None = None


def first_fit(inputs: Sequence[Sequence[Taken]], fits: Callable[..., Mistake | bool]) -> list[Mistake] | None:
    """What is wrong when as little as possible is: [] when all fit as given, None when nothing tried does.

    `fits` gets a value of each input and answers True, or with a finding of its own.
    """
    for choice in _choices(inputs):
        answer = fits(*(taken.value for taken in choice))
        if answer is not False:
            own = [] if answer is True else [answer]
            return [taken.finding for taken in choice if taken.finding] + own
    return None


def _choices(inputs: Sequence[Sequence[Taken]]) -> Iterator[tuple[Taken, ...]]:
    """All that differ from what was given in no input, then in one, then in two."""
    right = [[taken for taken in candidates if taken.finding is None] for candidates in inputs]
    wrong = [[taken for taken in candidates if taken.finding is not None] for candidates in inputs]
    for how_many in range(MOST_WRONG + 1):
        for places in combinations(range(len(inputs)), how_many):
            yield from product(*(wrong[i] if i in places else right[i] for i in range(len(inputs))))


def wrongly(cause: Cause, sentence: str, *values: Any) -> list[Taken]:
    return [Taken(value, Mistake(cause, sentence)) for value in values]


def distinct(*candidates: Taken) -> list[Taken]:
    """Each value once, by its first mention."""
    kept: dict[Any, Taken] = {}
    for candidate in candidates:
        kept.setdefault(candidate.value, candidate)
    return list(kept.values())


def encoded(text: str) -> bytes:
    """UTF-8, of whatever JSON may hold."""
    return text.encode("utf-8", "surrogatepass")
