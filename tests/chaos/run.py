"""One run: servers and stack of its own, load, faults, peace, verdict. What is left of a broken one is kept."""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from tests.chaos import cast, verdict
from tests.chaos.faults import Arena
from tests.chaos.load import Load
from tests.chaos.receiver import Receiver
from tests.chaos.schedule import Fault, planned
from tests.chaos.settling import investments, settle
from tests.chaos.verdict import Line
from tests.processes import stack
from tests.processes.stack import Stack, manage, production
from tests.servers import Server, free_port, postgres, redis_server

PARTNERS: Final = 3
USERS: Final = 5
WARM_UP_SECONDS: Final = 2.0
FIGURES: Final = {
    "transactions created": "SELECT count(*) FROM transactions_transaction",
    "batches": "SELECT count(*) FROM transactions_batch",
    "orders": "SELECT count(*) FROM transactions_order",
    "orders of unknown outcome": "SELECT count(*) FROM transactions_order WHERE status = 'ERROR'",
    "sessions that ended": "SELECT count(*) FROM webhooks_event WHERE type = 'broker.session_ended'",
    "investments": "SELECT count(*) FROM smallcases_investment",
    "events": "SELECT count(*) FROM webhooks_event",
    "deliveries": "SELECT count(*) FROM webhooks_delivery",
    "attempts": "SELECT count(*) FROM webhooks_attempt",
    "given up": "SELECT count(*) FROM webhooks_delivery WHERE status = 'GIVEN_UP'",
}


@dataclass(frozen=True, slots=True)
class Report:
    """`figures` in the order they are shown; `kept` is where a broken run's remains are."""

    seed: int
    seconds: float
    arena: Arena
    lines: Sequence[Line]
    figures: dict[str, str]
    kept: Path | None

    @property
    def broken(self) -> list[Line]:
        return [line for line in self.lines if line.offenders]


def run(*, seed: int, seconds: float, directory: Path) -> Report:
    """`directory` takes logs and, of a broken run, the dump of its database."""
    with _started(directory) as (running, database, receiver):
        members = cast.gathered(partners=PARTNERS, receiver=receiver, environment=running.processes.environment)
        arena = Arena(running, database, members, receiver)
        load = Load(members, running.base, seed, USERS)
        began = time.monotonic()
        with load:
            time.sleep(WARM_UP_SECONDS)
            _torment(arena, seed=seed, seconds=seconds)
        lasted = time.monotonic() - began
        arena.heal()
        took, open_rows = settle(running, members)
        lines = [
            Line("chaos", "everything settles once all is well", open_rows),
            Line("chaos", "every fault could be played", arena.missed),
            Line("chaos", "no user's thread has ended early", [repr(error) for error in load.trouble]),
            Line("partners", "every investment can be read", investments(running, members)),
            *verdict.judged(running, members, receiver, load.ledger),
            *verdict.doctor(running.processes.environment),
        ]
        figures = _figures(running, load, receiver, arena, lasted=lasted, settled=took)
        broken = any(line.offenders for line in lines)
        kept = _keep(database, directory) if broken else None
    return Report(seed, seconds, arena, lines, figures, kept)


@contextmanager
def _started(directory: Path) -> Iterator[tuple[Stack, Server, Receiver]]:
    with ExitStack() as stack_of:
        database = stack_of.enter_context(postgres(own=True, durable=True))
        queue = stack_of.enter_context(redis_server(own=True))
        receiver = stack_of.enter_context(Receiver())
        prepared = production(database=database.url, queue=queue.url, directory=directory)
        for command in (("migrate", "--verbosity=0"), ("load_instruments",), ("load_smallcases",)):
            manage(*command, environment=prepared)
        running = stack_of.enter_context(
            stack.running(database=database.url, queue=queue, port=free_port(), directory=directory)
        )
        yield running, database, receiver


def _torment(arena: Arena, *, seed: int, seconds: float) -> None:
    began = time.monotonic()
    lanes = [
        threading.Thread(target=arena.play, args=(lane,), kwargs={"began": began})
        for lane in planned(seed=seed, seconds=seconds, partners=len(arena.members))
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


def _figures(
    running: Stack, load: Load, receiver: Receiver, arena: Arena, *, lasted: float, settled: float
) -> dict[str, str]:
    counted = {name: int(running.ask(question)[0][0]) for name, question in FIGURES.items()}
    shown = {name: f"{count:,}" for name, count in counted.items()}
    shown["transactions a second under faults"] = f"{counted['transactions created'] / lasted:.1f}"
    shown["webhooks received"] = f"{len(receiver.hits):,}"
    shown["their moods"] = _told({mood.value: count for mood, count in receiver.met.items()})
    shown["answers to partners"] = _told(load.ledger.answers)
    shown["batches by status"] = _told(
        dict(running.ask("SELECT status, count(*) FROM transactions_batch GROUP BY 1 ORDER BY 1"))
    )
    shown["processes that fell by themselves"] = "; ".join(arena.fallen) or "none"
    shown["settled after the last fault"] = f"{settled:.1f} s"
    return shown


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda one: -one[1]))


def _keep(database: Server, directory: Path) -> Path:
    """The database as it stands, beside the logs."""
    dump = directory / "database.sql"
    where = urlsplit(database.url)
    own = Path(database.daemon.command[0]).parent / "pg_dump" if database.daemon else None
    program = str(own) if own and own.exists() else shutil.which("pg_dump")
    if program:
        command = [program, f"--host={where.hostname}", f"--port={where.port}", "--username=postgres", "postgres"]
        with dump.open("wb") as out:
            subprocess.run(command, check=False, stdout=out)
    return directory


def show(report: Report, out: Console) -> None:
    faults = Table("fault", "times", title=f"Faults in {report.seconds:.0f} s, seed {report.seed}")
    for fault in Fault:
        faults.add_row(fault.value, str(report.arena.applied[fault]))
    faults.add_row("in all", str(report.arena.applied.total()), style="bold")
    held = Table("judged by", "what must hold", "broken", title="Afterwards")
    for line in report.lines:
        held.add_row(line.whose, line.name, str(len(line.offenders)), style="bold red" if line.offenders else None)
    figures = Table("figure", "", title="Load")
    for name, value in report.figures.items():
        figures.add_row(name, value)
    for table in (faults, figures, held):
        table.columns[-1].justify = "right" if table is not figures else "left"
        out.print(table)
    for line in report.broken:
        out.print(f"\n[bold red]{line.whose}: {line.name}[/bold red], {len(line.offenders)} times")
        for offender in line.offenders[:20]:
            out.print(f"  - {offender}", markup=False)
    if report.kept:
        out.print(f"\nLogs and database dump: {report.kept}", markup=False)
    out.print(f"Again: CHAOS_SECONDS={report.seconds:.0f} CHAOS_SEED={report.seed} make chaos")
