"""Stages a tradebook in its own process: `python -m benchmarks.staging FILE USER` prints time and memory as JSON."""

import json
import resource
import sys
from time import perf_counter, process_time

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - Django had to be set up

from gateway.partners import clock  # noqa: E402 - Django had to be set up
from transactions.reconciliation.tradebook.stage import Upload, stage  # noqa: E402 - Django had to be set up


def main(path: str, username: str) -> None:
    """`peak` is the most memory that the process had, in MB; `steps`, how often a progress bar would have moved."""
    by, steps = User.objects.get(username=username), 0

    def move(done: int, of: int) -> None:
        nonlocal steps
        steps += 1

    began, worked = perf_counter(), process_time()
    with open(path, "rb") as file:
        book = stage(file, upload=Upload("bench.csv", "kite", by), now=clock.wall(), progress=move)
    told = {
        "seconds": perf_counter() - began,
        "worked": process_time() - worked,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "steps": steps,
        "verdicts": book.verdicts,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
