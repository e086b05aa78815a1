import json
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, gateway_named
from gateway.database.consistent_snapshot import consistent_snapshot
from gateway.monitoring.contributions import invariants
from gateway.monitoring.invariant_checks import SHOWN, Finding, Invariant, Scope, examine
from gateway.partners import clock
from gateway.values.timestamps import timestamp


class Command(GatewayCommand):
    help = (
        "Check the data for inconsistencies: between the gateway's orders and the brokers' books, between fills and "
        "investments, between batches and their events. Only reads, as of one moment, and may run on a production "
        "database. Exit code 0: a table of zeros. Exit code 1: each broken invariant, what it means, "
        f"what to do, and its first {SHOWN} offenders with their ids. docs/doctor.md lists all invariants."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--gateway", metavar="NAME", help="only data of this gateway (default: all)")
        parser.add_argument(
            "--settled",
            action="store_true",
            help="also require that no work is open, due or pending, as after a test run",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(self, *, gateway: str | None, settled: bool, **options: Any) -> None:
        wanted = [(app, one) for app, one in invariants() if settled or not one.at_rest]
        with consistent_snapshot():
            scope = Scope(
                wall=clock.wall(),
                kept_for=timedelta(days=settings.WEBHOOK_RETENTION_DAYS),
                gateway=gateway_named(gateway) if gateway else None,
            )
            findings = list(examine(_with_progress(wanted), scope))
        broken = [finding for finding in findings if finding.count]
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(scope, wanted, findings), default=str))
        else:
            _print(console(), scope, wanted, findings)
        if broken:
            raise SystemExit(1)


def _with_progress(wanted: Sequence[tuple[str, Invariant]]) -> Iterator[Invariant]:
    """Shows a progress bar on a terminal, and removes it afterwards."""
    bar = console(to_stderr=True)
    shown = track(wanted, "Looking", console=bar, transient=True, disable=not bar.is_terminal)
    yield from (invariant for _, invariant in shown)


def _as_json(scope: Scope, wanted: Sequence[tuple[str, Invariant]], findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "at": timestamp(scope.wall),
        "gateway": scope.gateway and scope.gateway.name,
        "healthy": not any(finding.count for finding in findings),
        "invariants": [
            {
                "app": app,
                "name": invariant.name,
                "means": invariant.means,
                "offenders": finding.count,
                "first": list(finding.first),
                "remedy": invariant.remedy,
            }
            for (app, invariant), finding in zip(wanted, findings, strict=True)
        ],
    }


def _print(out: Console, scope: Scope, wanted: Sequence[tuple[str, Invariant]], findings: Sequence[Finding]) -> None:
    table = Table("app", "invariant", "offenders", title=f"Invariants at {timestamp(scope.wall)}")
    table.columns[-1].justify = "right"
    for (app, invariant), finding in zip(wanted, findings, strict=True):
        table.add_row(app, invariant.name, str(finding.count), style="bold red" if finding.count else None)
    out.print(table)
    for finding in findings:
        if finding.count:
            _explain(out, finding)
    broken = sum(bool(finding.count) for finding in findings)
    out.print(f"{broken} of {len(findings)} invariants are broken." if broken else "All invariants hold.")


def _explain(out: Console, finding: Finding) -> None:
    invariant = finding.invariant
    out.print(f"\n[bold red]{invariant.name}[/bold red]: {finding.count} offenders")
    out.print(f"  What must be true: {invariant.means}", markup=False)
    out.print(f"  What to do: {invariant.remedy}", markup=False)
    for row in finding.first:
        facts = ", ".join(f"{name.replace('__', '.')} {value}" for name, value in row.items())
        out.print(f"  - {facts}", markup=False)
    if finding.count > len(finding.first):
        out.print(f"  … and {finding.count - len(finding.first)} more")
