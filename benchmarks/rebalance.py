"""Publishing a rebalance, and reading one user's investments, among a thousand investments and among a million.

usage: python -m benchmarks.rebalance [--small N] [--large N] [--rounds N]

On a throw-away PostgreSQL with fsync on. Rounds are interleaved, so that what else this machine does falls on both.
Ends with 1 when the ratio of the medians exceeds 1.5.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence

import django
from django.core.management import call_command

from tests.servers import Server, Unobtainable, postgres


def main(arguments: Sequence[str]) -> int:
    wanted = _parsed(arguments)
    with tempfile.TemporaryDirectory(prefix="gateway-var-") as var:
        try:
            with postgres(durable=True, own=True) as server:
                print(server.how, flush=True)
                _set_up(server, var)
                from benchmarks.rebalance_rounds import bench  # noqa: PLC0415 - Django had to be set up

                return bench(wanted.small, wanted.large, wanted.rounds)
        except Unobtainable as reason:
            print(reason, file=sys.stderr)
            return 2


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebalance", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    return parser.parse_args(arguments)


def _set_up(server: Server, var: str) -> None:
    os.environ |= {
        "DATABASE_URL": server.url,
        "CELERY_BROKER_URL": "memory://localhost/",
        "VAR_DIR": var,
        "DJANGO_SETTINGS_MODULE": "gateway.settings",
    }
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("load_instruments", verbosity=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
