"""Requests as no client library would send them, made from a source of chance: the same seed makes the same ones."""

from collections.abc import Callable
from random import Random
from typing import Final

from tests.fuzz import bodies, heads, targets
from tests.fuzz.drafts import Request
from tests.fuzz.known import Known

Make = Callable[[Random, Known], Request]


def hostile(chance: Random, known: Known) -> Request:
    return chance.choice(KINDS)(chance, known)


KINDS: Final[tuple[Make, ...]] = (
    *[bodies.spoilt_body] * 5,
    *[bodies.raw_body] * 2,
    *[targets.query] * 4,
    *[heads.header] * 2,
    *[targets.console] * 2,
    bodies.wrong_type,
    targets.path,
    targets.method,
    heads.framing,
)
