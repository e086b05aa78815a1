"""Measures the bytes of a row on PostgreSQL by table, including indexes and TOAST.

usage: python -m benchmarks.row_sizes [--baskets N] [--basket-size N] [--json]

Plays baskets on a throw-away PostgreSQL, from the transaction to the delivered webhook, vacuums, and plays as many
again. A row's size is the growth of the second half divided by its rows. Also prints rows per basket.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import django
from django.core.management import call_command

from tests.programs import Unobtainable
from tests.servers import postgres


def main(arguments: Sequence[str]) -> int:
    wanted = _parsed(arguments)
    with ExitStack() as stack:
        var = stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-var-"))
        try:
            server = stack.enter_context(postgres(own=True))
        except Unobtainable as reason:
            print(reason, file=sys.stderr)
            return 2
        print(server.how, file=sys.stderr, flush=True)
        os.environ |= {
            "DATABASE_URL": server.url,
            "CELERY_BROKER_URL": "memory://",
            "VAR_DIR": var,
            "ALLOWED_HOSTS": "testserver",
            "RATE_LIMIT_GATEWAY": "",
            "RATE_LIMIT_ACCOUNT": "",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "gateway.settings",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        call_command("load_instruments", stdout=sys.stderr)
        from benchmarks.row_sizes_rounds import measured  # noqa: PLC0415 - Django had to be set up

        found = measured(baskets=wanted.baskets, size=wanted.basket_size)
    how = {"made": datetime.now(UTC).date().isoformat(), "server": server.name}
    told = {**how, "baskets": wanted.baskets, "basketSize": wanted.basket_size, **found}
    print(json.dumps(told, indent=2) if wanted.json else _table(found))
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.row_sizes", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--baskets", type=int, default=300, help="baskets per half (default 300)")
    parser.add_argument("--basket-size", type=int, default=10, help="orders per basket, up to 100 (default 10)")
    parser.add_argument("--json", action="store_true", help="print JSON for benchmarks.capacity")
    return parser.parse_args(arguments)


def _table(found: dict[str, dict[str, float]]) -> str:
    lines = [f"{'table':<30} {'bytes a row':>11} {'rows a basket':>13}"]
    lines += [f"{name:<30} {size:>11,.0f} {found['rows'][name]:>13.2f}" for name, size in found["bytes"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
