"""Runs all benchmarks one after the other, or the named ones, each in its own process.

usage: python -m benchmarks [--short] [NAME …]

Prints a table for each. A run of normal length updates docs/performance.md, .json and .svg. A shorter run (--short, or
BENCH_SECONDS, BENCH_ROUNDS, BENCH_ROWS) only writes var/bench/short.json, because its figures mean nothing.
The exit code is the number of rows that miss their target, or 100 if a benchmark failed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import page, results
from benchmarks.knobs import SHORT, Knobs
from benchmarks.results import Result
from benchmarks.stage import KEPT
from benchmarks.table import show

NAMES = (
    "create",
    "reads",
    "baskets",
    "deliveries",
    "isolation",
    "brokers",
    "planner",
    "rebalance",
    "scale",
    "sweep",
    "console",
    "tradebook",
    "start",
    "processes",
)
BROKEN = 100


def main(arguments: Sequence[str]) -> int:
    wanted = _parsed(arguments)
    out = Console(soft_wrap=True)
    environment = {**os.environ, **(SHORT if wanted.short else {})}
    knobs = Knobs.of(environment)
    names = wanted.name or NAMES
    found = [result for name in names if (result := _run(name, environment, out))]
    _keep(found, is_short=knobs.is_short, out=out)
    missed = [row for result in found for row in result.rows if row.is_reached is False]
    out.print(f"\n{len(missed)} rows miss their target.")
    return BROKEN if len(found) < len(names) else min(len(missed), BROKEN - 1)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", nargs="*", choices=[[], *NAMES], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--short", action="store_true", help="tiny rounds, to check that everything works")
    return parser.parse_args(arguments)


def _run(name: str, environment: dict[str, str], out: Console) -> Result | None:
    """None if the benchmark failed; its output is on the terminal."""
    out.print(f"\n[bold]{name}[/bold]")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "result.json")
        command = [sys.executable, "-m", "benchmarks.one", name, str(file)]
        done = subprocess.run(command, check=False, env=environment)
        result = results.read(file).get(name)
    if done.returncode != 0 or result is None:
        out.print(f"[bold red]{name} failed.[/bold red]")
        return None
    result = replace(result, seconds=time.monotonic() - began, day=datetime.now(UTC).date().isoformat())
    show(result.rows, out=out)
    return result


def _keep(found: Sequence[Result], *, is_short: bool, out: Console) -> None:
    path = KEPT / "short.json" if is_short else page.RESULTS
    every = results.merged(results.read(path), found, NAMES)
    if is_short:
        results.write(path, every)
    else:
        page.publish(every)
    out.print(f"\nWritten: {path if is_short else page.PAGE}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
