"""Whose modules a start loads, by what they hold and by how long they take: `python -m benchmarks.imports MODULE`."""

import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from tests.servers import ROOT

SHOWN = 6


def told(module: str, environment: Mapping[str, str]) -> str:
    """Of a process of its own, which imports `module` and nothing else."""
    command = [sys.executable, "-m", "benchmarks.imports", module]
    done = subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def by_package(held: Mapping[str, int]) -> Counter[str]:
    """Bytes by file, summed up by the package that the file is of."""
    packages: Counter[str] = Counter()
    for file, size in held.items():
        packages[package(file)] += size
    return packages


def package(file: str) -> str:
    """What is neither installed nor ours is the interpreter's."""
    inside = file.partition("site-packages/")[2] or (
        file.removeprefix(f"{ROOT}/") if file.startswith(str(ROOT)) else ""
    )
    return Path(inside).parts[0] if inside else "python"


def main(module: str) -> None:
    tracemalloc.start()
    import_module(module)
    statistics = tracemalloc.take_snapshot().statistics("filename")
    packages = by_package({one.traceback[0].filename: one.size for one in statistics})
    print("Python objects: " + ", ".join(f"{name} {size / 2**20:.1f} MB" for name, size in packages.most_common(SHOWN)))


if __name__ == "__main__":
    main(sys.argv[1])
