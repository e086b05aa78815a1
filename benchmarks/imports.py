"""The memory and time of the packages that a start imports: `python -m benchmarks.imports MODULE`."""

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
    """Measures in a new process, which imports only `module`."""
    command = [sys.executable, "-m", "benchmarks.imports", module]
    done = subprocess.run(command, check=True, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def by_package(held: Mapping[str, int]) -> Counter[str]:
    """Sums the bytes per file by package."""
    packages: Counter[str] = Counter()
    for file, size in held.items():
        packages[package(file)] += size
    return packages


def package(file: str) -> str:
    """A file that is neither installed nor ours belongs to the interpreter."""
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
