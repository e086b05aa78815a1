"""From event to delivery for a thousand endpoints, when fifty of them hang and when none does.

usage: python -m benchmarks.isolation [--endpoints N] [--hung N] [--rate N] [--seconds N] [--rounds N] [--couriers N]

PostgreSQL with fsync on, Redis, couriers and receiver in processes of their own. Rounds are interleaved, so that what
else this machine does falls on both. Ends with 1 when the ratio of the healthy ones' 99th percentiles exceeds 2.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import django
from django.core.management import call_command

from gateway.supervisor import courier
from tests.servers import ROOT, Unobtainable, postgres, redis_server


def main(arguments: Sequence[str]) -> int:
    wanted = _parsed(arguments)
    with ExitStack() as stack:
        var = stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-var-"))
        try:
            servers = stack.enter_context(postgres(durable=True, own=True)), stack.enter_context(redis_server(own=True))
        except Unobtainable as reason:
            print(reason, file=sys.stderr)
            return 2
        print(*(server.how for server in servers), sep="\n", flush=True)
        os.environ |= {
            "DATABASE_URL": servers[0].url,
            "CELERY_BROKER_URL": servers[1].url,
            "VAR_DIR": var,
            "DJANGO_SETTINGS_MODULE": "gateway.settings",
            "LOG_LEVEL": "ERROR",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        ports = stack.enter_context(_receiver())
        for _ in range(wanted.couriers):
            stack.enter_context(_process(courier().command))
        from benchmarks.isolation_rounds import bench  # noqa: PLC0415 - Django had to be set up

        return bench(wanted, ports)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.isolation", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--endpoints", type=int, default=1_000)
    parser.add_argument("--hung", type=int, default=50)
    parser.add_argument("--rate", type=float, default=100, help="events a second, over all endpoints")
    parser.add_argument("--seconds", type=float, default=20, help="of a round")
    parser.add_argument("--rounds", type=int, default=4, help="of each kind")
    parser.add_argument("--couriers", type=int, default=1)
    return parser.parse_args(arguments)


@contextmanager
def _receiver() -> Iterator[tuple[int, int]]:
    """Its answering port and its hanging one."""
    with _process([sys.executable, "-m", "benchmarks.receiver"]) as process:
        assert process.stdout
        answering, hanging = json.loads(process.stdout.readline())
        yield answering, hanging


@contextmanager
def _process(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
