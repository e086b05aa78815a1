"""All benchmarks, one after the other; or those that are named.

usage: python -m benchmarks [NAME …]
"""

import subprocess
import sys
from collections.abc import Sequence
from typing import Final

NAMES: Final = ("planner", "rebalance", "isolation", "tradebook")


def main(wanted: Sequence[str]) -> int:
    """The number of benchmarks that missed what they are to reach."""
    if unknown := set(wanted) - set(NAMES):
        print(f"{', '.join(sorted(unknown))}: there is {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    return sum(_run(name) != 0 for name in wanted or NAMES)


def _run(name: str) -> int:
    print(f"\n{name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
