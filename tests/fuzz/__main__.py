"""make fuzz: FUZZ_REQUESTS requests (100,000), half after the OpenAPI document, half as nobody should send them.

usage: python -m tests.fuzz [--requests N] [--seed N] [--fuzzers N]
       python -m tests.fuzz --replay FILE --port PORT

The web processes, the worker, PostgreSQL and Redis are real, and their own. Ends with 1 when an answer was a 5xx, was
not as the document says, or did not come; each such request is kept under var/fuzz/, and --replay sends it again.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

from tests.fuzz import child
from tests.fuzz.ledger import Ledger
from tests.fuzz.setting import Setting, set_up
from tests.fuzz.wire import exchange
from tests.processes import stack
from tests.receiver import Receiver
from tests.servers import ROOT, free_port, postgres, redis_server

KEPT: Final = ROOT / "var" / "fuzz"
SPAWN: Final = multiprocessing.get_context("spawn")
TOLD_EVERY: Final = 5.0  # seconds


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    if options.replay:
        heard = exchange(("127.0.0.1", options.port), options.replay.read_bytes(), method="GET")
        print(heard.status, heard.headers, heard.body.decode(errors="replace"), sep="\n")
        return 0
    print(
        f"seed {options.seed}: make fuzz FUZZ_SEED={options.seed} asks the same again, with ids of its own", flush=True
    )
    began = time.monotonic()
    with _running(options.fuzzers) as settings:
        ledger = _fuzz(settings, wanted=options.requests, seed=options.seed)
    return _report(ledger, seconds=time.monotonic() - began, seed=options.seed)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    wanted, seed = os.environ.get("FUZZ_REQUESTS") or 100_000, os.environ.get("FUZZ_SEED")
    parser.add_argument("--requests", type=int, default=int(wanted))
    parser.add_argument("--seed", type=int, default=int(seed) if seed else SystemRandom().randrange(10**6))
    parser.add_argument("--fuzzers", type=int, default=2, help="processes that ask, each a web process of its own")
    parser.add_argument("--replay", type=Path, help="a kept request")
    parser.add_argument("--port", type=int, default=8000, help="where to send it")
    return parser.parse_args(arguments)


@contextmanager
def _running(fuzzers: int) -> Iterator[list[Setting]]:
    """A web process for each of us, on one database and one queue."""
    with tempfile.TemporaryDirectory(prefix="gateway-fuzz-") as directory, postgres(own=True) as database:
        environment = stack.production(database=database.url, queue="redis://127.0.0.1:1/0", directory=Path(directory))
        for command in ("migrate", "load_instruments", "load_smallcases"):
            stack.manage(command, environment=environment)
        with (
            Receiver() as receiver,
            redis_server(own=True) as queue,
            stack.running(database=database.url, queue=queue, port=free_port(), directory=Path(directory)) as running,
        ):
            print(database.how, queue.how, sep="\n", flush=True)
            bases = [running.base, *(running.another_web(free_port()) for _ in range(fuzzers - 1))]
            hook = receiver.url
            yield [set_up(running, base, name=f"fuzz-{n}", webhook_url=hook) for n, base in enumerate(bases)]


def _fuzz(settings: Sequence[Setting], *, wanted: int, seed: int) -> Ledger:
    done, results = SPAWN.Value("L", 0), SPAWN.Queue()
    fuzzers: list[BaseProcess] = [
        SPAWN.Process(target=child.run, args=(setting, seed * 100 + number, wanted, done, results), daemon=True)
        for number, setting in enumerate(settings)
    ]
    for fuzzer in fuzzers:
        fuzzer.start()
    _tell(fuzzers, done, wanted)
    ledger = Ledger()
    for fuzzer in fuzzers:
        if not fuzzer.is_alive() and fuzzer.exitcode:
            raise SystemExit("A fuzzer died; its words are above.")
        ledger.add(results.get(timeout=120))
    return ledger


def _tell(fuzzers: Sequence[BaseProcess], done: Any, wanted: int) -> None:
    """A line every few seconds, until enough was asked or somebody died."""
    began = time.monotonic()
    while done.value < wanted and all(fuzzer.is_alive() for fuzzer in fuzzers):
        time.sleep(TOLD_EVERY)
        rate = done.value / (time.monotonic() - began)
        print(f"{min(done.value, wanted):,} of {wanted:,}, {rate:.0f} a second", flush=True)


def _report(ledger: Ledger, *, seconds: float, seed: int) -> int:
    print(f"\n{ledger.requests:,} requests in {seconds:.0f} s: {_counts(ledger.asked)}")
    print(f"answers: {_counts(ledger.statuses)}")
    lines = ledger.keep(KEPT / str(seed))
    print(*lines, sep="\n", end="\n" if lines else "")
    print(f"{ledger.failures} answers of 5xx, {len(lines)} findings.")
    return int(bool(lines) or ledger.failures > 0)


def _counts(of: "dict[str, int]") -> str:
    return ", ".join(f"{name} {times:,}" for name, times in sorted(of.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
