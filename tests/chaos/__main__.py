"""usage: python -m tests.chaos

CHAOS_SECONDS: how long faults are played under load (600). CHAOS_SEED: which ones, and when (made up, and printed).
Logs go to var/chaos/. Exit code 1 when anything that must hold does not.
"""

import os
import secrets
import sys
from datetime import UTC, datetime

from rich.console import Console

from tests.chaos.run import run, show
from tests.servers import ROOT


def main() -> int:
    if {"-h", "--help"} & set(sys.argv[1:]):
        print((__doc__ or "").strip())
        return 0
    seconds = float(os.environ.get("CHAOS_SECONDS", "600"))
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    directory = ROOT / "var" / "chaos" / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{seed}"
    directory.mkdir(parents=True)
    out = Console(highlight=False, soft_wrap=True)
    out.print(f"{seconds:.0f} s of faults, seed {seed}; logs in {directory}")
    report = run(seed=seed, seconds=seconds, directory=directory)
    show(report, out)
    return int(bool(report.broken))


if __name__ == "__main__":
    sys.exit(main())
