"""Names of the last release that still work, until the next one."""

import warnings
from functools import cache


class OldName(FutureWarning):
    """For operators: Python shows a FutureWarning by default."""


@cache
def warn_of_old_name(old: str, new: str) -> None:
    """Once in each process."""
    warnings.warn(
        f"{old} is now {new}. The old name works in this release, and not in the next.", OldName, stacklevel=3
    )
