"""Writes docs/performance.md: generates the tables and the chart, and keeps the hand-written text below the marker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks import results
from benchmarks.figures import Row
from benchmarks.picture import picture
from benchmarks.results import Result
from benchmarks.table import gist

DOCS: Final = Path(__file__).parent.parent / "docs"
PAGE: Final = DOCS / "performance.md"
RESULTS: Final = DOCS / "performance.json"
PICTURE: Final = DOCS / "performance.svg"
MARKER: Final = "<!-- Above this line: made by `make bench`. Below: written by hand, and kept. -->"

HEAD: Final = """\
# Performance

Each path of the gateway against a limit and against an alternative that a user might choose: on one machine, in
alternating rounds, as the median of the rounds' ratios with the least and the greatest. `make bench` measures
everything and writes the part above the marker, `performance.json` and `performance.svg`;
`make bench NAME="create reads"` updates a part.

![Figures against their targets](performance.svg)
"""


def publish(found: Mapping[str, Result], *, page: Path = PAGE) -> None:
    """Writes the page, the chart and the figures; `found` in the order of the page."""
    rows = [row for one in found.values() for row in one.rows]
    page.parent.mkdir(parents=True, exist_ok=True)
    results.write(page.with_suffix(".json"), found)
    page.with_suffix(".svg").write_text(picture(rows))
    draft = page.with_suffix(".part")
    draft.write_text(written(found, before=page.read_text() if page.exists() else ""))
    draft.rename(page)


def written(found: Mapping[str, Result], *, before: str) -> str:
    by_hand = before.partition(MARKER)[2] or "\n"
    return f"{HEAD}\n{''.join(_section(one) for one in found.values())}{MARKER}{by_hand}"


def _section(result: Result) -> str:
    when = f"`{result.command}` · {result.day} · {result.machine} · {result.servers} · {result.seconds / 60:.1f} min"
    head = "| path | against | figure: median (least – greatest) | to reach | |\n|---|---|---|---|---|\n"
    lines = "".join(_line(row) for row in result.rows)
    return f"## {result.name}\n\n{when}\n\n{head}{lines}\n{_remarks(result)}"


def _line(row: Row) -> str:
    cells = (row.path, row.against, f"{row.shown} {row.unit}", str(row.target or ""), row.verdict)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _remarks(result: Result) -> str:
    remarks = [f"- {row.path}, {row.against}: {told}\n" for row in result.rows if (told := gist(row))]
    return "".join(remarks) + "\n" if remarks else ""
