from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.models import User
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from brokers.ports.registry import BROKERS
from gateway.audit.trail import Actor
from gateway.cli.management_base import Command as GatewayCommand
from gateway.cli.management_base import console, stop
from gateway.database.lookups import first_or_not_found
from gateway.partners import clock
from transactions.reconciliation.tradebook.apply_rows import apply_some, finish, want
from transactions.reconciliation.tradebook.columns import Dialect
from transactions.reconciliation.tradebook.discard import discard
from transactions.reconciliation.tradebook.models import BookRow, RowState, Tradebook
from transactions.reconciliation.tradebook.stage import Upload, stage
from transactions.reconciliation.tradebook.verdicts import CAN_BE_APPLIED, SAFE, RowVerdict

SHOWN: Final = 20


class Command(GatewayCommand):
    help = (
        "Match a broker's tradebook (CSV) with the orders that it names, and print a verdict for each. Nothing is "
        "changed without --apply. With --apply, orders in ERROR that match exactly are corrected, or proposed above "
        "the four-eyes amount; all other rows wait in the console. A file that is not a complete tradebook is "
        "rejected with the line and a non-zero exit code."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="CSV; encoding, separator and columns are detected")
        parser.add_argument("--broker", choices=sorted(BROKERS), default="kite", help="the broker (default: kite)")
        parser.add_argument("--dialect", choices=list(Dialect), help="default: the first that fits the header")
        parser.add_argument("--client", metavar="ID", default="", help="the client, if the file has no client column")
        parser.add_argument("--apply", action="store_true", help="apply the exact matches; needs --by")
        parser.add_argument("--by", metavar="USER", help="the console user who corrects the orders")

    def act(self, *, file: Path, by: str | None, apply: bool, **options: Any) -> None:
        if apply and not by:
            stop("--apply needs --by USER: a named person is responsible for corrections.")
        person = _person(by) if by else _anybody()
        dialect = Dialect(options["dialect"]) if options["dialect"] else None
        upload = Upload(file.name, options["broker"], person, dialect, options["client"])
        actor = Actor(person, "manage.py reconcile", clock.wall()) if apply else None
        book = self._staged(file, upload, actor)
        if actor:
            self._apply(book, actor)
        _print(book)
        if not apply:
            discard(tradebook=book)
            console().print("Dry run: nothing was changed. Use --apply to correct exact matches.")

    def _staged(self, file: Path, upload: Upload, actor: Actor | None) -> Tradebook:
        try:
            with file.open("rb") as opened, _bar() as bar:
                task = bar.add_task("staging", total=None)
                return stage(
                    opened,
                    upload=upload,
                    now=clock.wall(),
                    actor=actor,
                    progress=lambda done, of: bar.update(task, completed=done, total=of),
                )
        except OSError as error:
            stop(f"{file}: {error.strerror or error}.")

    def _apply(self, book: Tradebook, actor: Actor) -> None:
        wanted = want(tradebook=book, actor=actor)
        book.refresh_from_db()
        with _bar() as bar:
            task = bar.add_task("applying", total=wanted)
            while done := apply_some(book):
                bar.advance(task, done)
        finish(book)


def _person(name: str) -> User:
    found = first_or_not_found(User.objects.filter(username=name, is_active=True), f"There is no user {name}.")
    if not found.has_perm("transactions.reconcile_order"):
        stop(f"{name} may not correct orders.")
    return found


def _anybody() -> User:
    """A user for a dry run, which leaves no rows."""
    sentence = "There is no user yet. Create one with manage.py createsuperuser."
    return first_or_not_found(User.objects.filter(is_active=True).order_by("pk"), sentence)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console(to_stderr=True), transient=True)


def _print(book: Tradebook) -> None:
    out = console()
    taken = ", ".join(f"{name} ← {column}" for name, column in book.columns.items())
    out.print(f"{book.lines} trades, {book.dialect} dialect, {book.encoding}; {taken}", markup=False)
    if book.repeated:
        out.print(f"{book.repeated} repeated lines are counted once.")
    table = Table("verdict", "orders", "", title=book.name)
    table.columns[1].justify = "right"
    for verdict in RowVerdict:
        table.add_row(verdict.value, str(book.verdicts.get(verdict.value, 0)), _next_step(verdict))
    out.print(table)
    _print_rows(book)


def _next_step(verdict: RowVerdict) -> str:
    if verdict in SAFE:
        return "applied by --apply"
    return "waits for a person" if verdict in CAN_BE_APPLIED or verdict is RowVerdict.CONTRADICTS else ""


def _print_rows(book: Tradebook) -> None:
    """Prints the first rows that need attention."""
    rows = BookRow.objects.filter(tradebook=book).exclude(verdict__in=[RowVerdict.FINAL, RowVerdict.DUPLICATE])
    open_ = rows.exclude(state=RowState.TAKEN).order_by("pk")
    for row in open_.exclude(verdict=RowVerdict.EXACT, state=RowState.WAITING)[:SHOWN]:
        where = f"line {row.line}" if row.line else "not in the file"
        text = row.refusal or row.difference
        console().print(f"{where}: {row.side} {row.symbol}, {row.verdict}. {text}", markup=False)
    proposed = BookRow.objects.filter(tradebook=book, correction__state="PROPOSED").count()
    applied = BookRow.objects.filter(tradebook=book, correction__state="APPLIED").count()
    if applied or proposed:
        console().print(f"{applied} orders corrected, {proposed} proposed for approval.")
