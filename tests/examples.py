"""How many examples a property test draws."""

import os
from typing import Final, TypeVar

LONG: Final = "TESTS_LONG"  # `--long` sets it, so that the processes of xdist have it too


T = TypeVar("T")


def examples(usual: T, *, long: T) -> T:
    """`usual` keeps the suite within its budget of CPU; `make test ARGS=--long` draws `long`."""
    return long if os.environ.get(LONG) else usual
