"""The whole suite on PostgreSQL and Redis, then the flows again on the embedded default.

Where something else is missing (a browser, Node), the tests that need it are skipped, and named there as well;
Chromium is installed first where that is possible (root on Debian).

usage: python -m tests.run [pytest arguments]

With arguments (a path, -k …) there is only the first run, and they stand in the place of `tests`.

TEST_DATABASE_URL and TEST_REDIS_URL name the servers to use; without them, throw-away ones are started. Where
these are not to be had, all that can do without them runs on the embedded default, and the last lines name
what did not run.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tests.browser import chromium
from tests.servers import ROOT, Server, Unobtainable, postgres, redis_server

PYTEST: Final = (sys.executable, "-m", "pytest")
TWO_WORKERS: Final = ("-n", "2", "--dist", "loadfile")
WITHOUT_SERVERS: Final = ("-m", "not servers")
EMBEDDED: Final = "embedded (SQLite + filesystem)"
GRACE: Final = 10.0  # seconds for pytest to tidy up


@dataclass(frozen=True, kw_only=True)
class Outcome:
    label: str
    passed: int
    failed: int
    skipped: int
    exit_code: int
    unrun: Sequence[tuple[str, str]] = field(default=())  # why, and which test


@dataclass(frozen=True, kw_only=True)
class Missed:
    tests: Sequence[str] = ()
    why: str = ""


def main(arguments: Sequence[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print((__doc__ or "").strip())
        return 0
    signal.signal(signal.SIGTERM, _leave)
    try:
        return _report(*_run(arguments))
    except ConnectionError as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _leave(*_: object) -> None:
    """An exception, so that whoever started something ends it."""
    sys.exit(128 + signal.SIGTERM)


def _run(arguments: Sequence[str]) -> tuple[list[Outcome], Missed]:
    wanted = arguments or ["tests"]
    if _looks_at_pages(wanted):
        print(_browser(), flush=True)
    with ExitStack() as stack:
        try:
            servers = stack.enter_context(postgres()), stack.enter_context(redis_server())
        except Unobtainable as reason:
            return _run_without_servers(wanted, why=str(reason))
        outcomes = [_on_servers([*TWO_WORKERS, *wanted], *servers)]
    if not arguments:
        print("\nThe flows again, on the embedded default.", flush=True)
        outcomes.append(_embedded([*WITHOUT_SERVERS, "tests/flows"]))
    return outcomes, Missed()


def _looks_at_pages(wanted: Sequence[str]) -> bool:
    return any(path.rstrip("/") == "tests" or path.startswith("tests/browser") for path in wanted)


def _browser() -> str:
    try:
        return f"Chromium: {chromium.obtained()}"
    except Unobtainable as reason:
        return f"No Chromium ({reason}): what looks at pages will not run."


def _run_without_servers(wanted: Sequence[str], *, why: str) -> tuple[list[Outcome], Missed]:
    print(why, flush=True)
    outcome = _embedded([*TWO_WORKERS, *WITHOUT_SERVERS, *wanted])
    return [outcome], Missed(tests=_collected(["-m", "servers", *wanted]), why=why)


def _on_servers(arguments: Sequence[str], database: Server, broker: Server) -> Outcome:
    print(database.how, broker.how, sep="\n", flush=True)
    urls = {
        "DATABASE_URL": database.url,
        "CELERY_BROKER_URL": broker.url,
        "TEST_DATABASE_URL": database.url,
        "TEST_REDIS_URL": broker.url,
    }
    return _outcome(arguments, label=f"{database.name} + {broker.name}", environment={**os.environ, **urls})


def _embedded(arguments: Sequence[str]) -> Outcome:
    return _outcome(arguments, label=EMBEDDED, environment=_without_servers())


def _without_servers() -> dict[str, str]:
    return {name: url for name, url in os.environ.items() if name not in {"DATABASE_URL", "CELERY_BROKER_URL"}}


def _outcome(arguments: Sequence[str], *, label: str, environment: Mapping[str, str]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="gateway-var-") as var:
        cases = Path(var, "junit.xml")
        command = [*PYTEST, *arguments, f"--junitxml={cases}"]
        exit_code = _wait(subprocess.Popen(command, cwd=ROOT, env={**environment, "VAR_DIR": var}))
        ran = list(ElementTree.parse(cases).iter("testcase")) if cases.exists() else []
    verdicts = [_verdict({part.tag for part in case}) for case in ran]
    return Outcome(
        label=label,
        passed=verdicts.count("passed"),
        failed=verdicts.count("failed"),
        skipped=verdicts.count("skipped"),
        exit_code=exit_code,
        unrun=sorted(_skips(ran)),
    )


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait()
    except (KeyboardInterrupt, SystemExit) as ending:
        if isinstance(ending, SystemExit):
            process.send_signal(signal.SIGINT)  # a Ctrl-C reaches it without us
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        process.kill()
        raise


def _skips(cases: Iterable[ElementTree.Element]) -> Iterator[tuple[str, str]]:
    for case in cases:
        for skip in case.iter("skipped"):
            yield skip.get("message", "skipped"), f"{case.get('classname')}::{case.get('name')}"


def _verdict(parts: set[str]) -> str:
    if parts & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in parts else "passed"


def _collected(arguments: Sequence[str]) -> list[str]:
    command = [*PYTEST, "--collect-only", "-q", *arguments]
    environment = _without_servers()
    collection = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True)
    return [line for line in collection.stdout.splitlines() if "::" in line]


def _report(outcomes: Sequence[Outcome], missed: Missed) -> int:
    print()
    if missed.why:
        print(missed.why)
        print(f"{len(missed.tests)} tests need it and did not run:", *missed.tests, sep="\n  ")
    for outcome in outcomes:
        for why, skips in groupby(outcome.unrun, key=itemgetter(0)):
            print(why, *(test for _, test in skips), sep="\n  ")
    for outcome in outcomes:
        print(f"{outcome.label}: {_counts([outcome])}{_ending(outcome)}")
    print(_counts(outcomes, missed=len(missed.tests)))
    return int(any(outcome.exit_code for outcome in outcomes))


def _counts(outcomes: Sequence[Outcome], *, missed: int = 0) -> str:
    """What was missed counts as skipped."""
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes) + missed
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def _ending(outcome: Outcome) -> str:
    """What the counts do not show: nothing collected, an interruption, a usage error."""
    silent = outcome.exit_code and not outcome.failed
    return f" (pytest ended with {outcome.exit_code})" if silent else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
