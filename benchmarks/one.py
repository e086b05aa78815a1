"""Runs one benchmark on its own stage: `python -m benchmarks.one NAME FILE` writes the result to FILE."""

import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console

from benchmarks import machine, results
from benchmarks.knobs import Knobs
from benchmarks.results import Result
from benchmarks.stage import staged
from tests.programs import Unobtainable


def main(name: str, file: Path) -> int:
    console, knobs = Console(stderr=True, soft_wrap=True), Knobs.of()
    try:
        with staged(knobs, console=console) as stage:
            module = import_module(f"benchmarks.paths.{name}")  # after Django's set-up, because it imports models
            result = Result(
                name=name,
                command=f"make bench NAME={name}",
                day="",
                machine=machine.described(),
                servers=f"{stage.database.name}, {stage.queue.name}",
                seconds=0.0,
                rows=tuple(module.measure(stage)),
            )
            results.write(file, {name: result})
    except Unobtainable as reason:
        console.print(str(reason))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
