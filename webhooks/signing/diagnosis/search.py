"""The search: each input has the given value and other values that the sender may have used."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product
from typing import Any, Final

MOST_WRONG: Final = 2  # wrong inputs at once; with more, a match would be a coincidence of the search


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
    """A wrong input, and a sentence for the integrator."""

    cause: Cause
    sentence: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A value of an input. `wrong` says what the receiver did wrong if this value fits; None for the given value."""

    value: Any
    finding: Mistake | None = None


def first_fit(inputs: Sequence[Sequence[Taken]], fits: Callable[..., Mistake | bool]) -> list[Mistake] | None:
    """The fewest mistakes that explain the signature: [] if the given values fit, None if nothing fits.

    `fits` gets one value per input and returns True, or another finding.
    """
    for choice in _choices(inputs):
        answer = fits(*(taken.value for taken in choice))
        if answer is not False:
            own = [] if answer is True else [answer]
            return [taken.finding for taken in choice if taken.finding] + own
    return None


def _choices(inputs: Sequence[Sequence[Taken]]) -> Iterator[tuple[Taken, ...]]:
    """Combinations that differ from the given values in no input, then in one, then in two."""
    right = [[taken for taken in candidates if taken.finding is None] for candidates in inputs]
    wrong = [[taken for taken in candidates if taken.finding is not None] for candidates in inputs]
    for how_many in range(MOST_WRONG + 1):
        for places in combinations(range(len(inputs)), how_many):
            yield from product(*(wrong[i] if i in places else right[i] for i in range(len(inputs))))


def wrongly(cause: Cause, sentence: str, *values: Any) -> list[Taken]:
    """Values that the sender would have used if the sentence is true."""
    return [Taken(value, Mistake(cause, sentence)) for value in values]


def distinct(*candidates: Taken) -> list[Taken]:
    """Each value once; the first reason counts."""
    kept: dict[Any, Taken] = {}
    for candidate in candidates:
        kept.setdefault(candidate.value, candidate)
    return list(kept.values())


def encoded(text: str) -> bytes:
    """UTF-8 bytes of any text that JSON may contain, lone surrogates included."""
    return text.encode("utf-8", "surrogatepass")
