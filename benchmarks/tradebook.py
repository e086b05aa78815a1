"""Staging a tradebook of a hundred thousand trades, each of an order of ours among as many others.

usage: python -m benchmarks.tradebook [--trades N] [--seconds N]

On a throw-away PostgreSQL with fsync on. Ends with 1 when it takes longer than --seconds, or when memory grows by more
than 64 MiB above what it was after the first tenth.
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
                from benchmarks.tradebook_rounds import bench  # noqa: PLC0415 - Django had to be set up

                return bench(wanted.trades, wanted.seconds)
        except Unobtainable as reason:
            print(reason, file=sys.stderr)
            return 2


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tradebook", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--trades", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=30.0)
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
