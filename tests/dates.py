"""The suite on other days: once for each of DATES, with the clock of every process moved.

usage: DATES="+40d 2028-02-29T18:40Z" python -m tests.dates [arguments of tests.run]

A date is a number of days ahead (+40d) or a moment (ISO 8601; UTC unless it says otherwise). The default is +400d.
Python, PostgreSQL, Redis, PgBouncer and Node get the moved clock. Chromium keeps the real one: use days to come, for it
drops cookies of the past.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from tests import moved_clock
from tests.programs import ROOT, Unobtainable

RUN: Final = (sys.executable, "-m", "tests.run")


def main(arguments: Sequence[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print((__doc__ or "").strip())
        return 0
    dates = os.environ.get("DATES", "").split() or ["+400d"]
    try:
        for date in dates:
            moved_clock.offset(date, now=datetime.now(UTC))
        moved_clock.library()
    except ValueError as refusal:
        print(f"DATES: {refusal}", file=sys.stderr)
        return 2
    except Unobtainable as reason:
        print(f"No library that moves the clock ({reason}).", file=sys.stderr)
        return 1
    ended = {date: _run(date, arguments) for date in dates}
    return _report(ended)


def _report(ended: Mapping[str, int]) -> int:
    """Prints the last lines; the exit code. The code of a run that a signal has ended is negative."""
    print("", *(f"{date}: {'failed' if code else 'passed'}" for date, code in ended.items()), sep="\n")
    return int(any(ended.values()))


def _run(date: str, arguments: Sequence[str]) -> int:
    print(f"\n{date}", flush=True)
    return subprocess.run([*RUN, *arguments], check=False, cwd=ROOT, env={**os.environ, "TESTS_CLOCK": date}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
