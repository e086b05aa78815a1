"""Prints the rows on the terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Row

STYLES = {None: None, True: "green", False: "bold red"}


def show(rows: Iterable[Row], *, out: Console) -> None:
    table = Table("path", "against", "figure", "to reach", "", title=None)
    shown = list(rows)
    for row in shown:
        verdict = row.verdict
        figure = f"{row.shown} {row.unit}"
        table.add_row(row.path, row.against, figure, str(row.target or ""), verdict, style=STYLES[row.is_reached])
    out.print(table)
    for row in shown:
        if said := gist(row):
            out.print(f"  {row.path}, {row.against}: {said}", markup=False)


def gist(row: Row) -> str:
    """The text below a table: absolute figures, the note, and the profile of a row that misses its target."""
    held_back = f"held back by: {row.held_back}" if row.held_back else ""
    parts = [", ".join(map(str, row.sides)), row.note, held_back]
    return "; ".join(part for part in parts if part)
