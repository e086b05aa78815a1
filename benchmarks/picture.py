"""The rows as a chart: how far each figure is from its target. SVG, light and dark."""

from collections.abc import Sequence
from html import escape
from math import log10
from typing import Final

from benchmarks.figures import Row

WIDTH: Final = 960
LABEL: Final = 470  # where the bars begin
LINE: Final = 26
TOP: Final = 40
SPAN: Final = 1.2  # decades on either side of the target
STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.reached { fill: #1a7f37 } .missed { fill: #cf222e } .axis { stroke: #8c959f } .small { font-size: 11px; fill: #57606a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .reached { fill: #3fb950 } .missed { fill: #f85149 }
}
"""


def picture(rows: Sequence[Row]) -> str:
    """Rows with a target and a figure; a bar to the right is better than the target, to the left worse."""
    drawn = [row for row in rows if row.target and row.figure is not None]
    height = TOP + LINE * len(drawn) + 10
    middle = _x(0)
    bars = "".join(_bar(row, TOP + LINE * index) for index, row in enumerate(drawn))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Figures of {len(drawn)} benchmarks against their targets">'
        f"<style>{STYLE}</style>"
        f'<text x="{middle}" y="18" text-anchor="middle" class="small">target</text>'
        f'<text x="{_x(1)}" y="18" text-anchor="middle" class="small">10 × better</text>'
        f'<text x="{_x(-1)}" y="18" text-anchor="middle" class="small">10 × worse</text>'
        f'{bars}<line x1="{middle}" x2="{middle}" y1="24" y2="{height}" class="axis"/></svg>\n'
    )


def distance(row: Row) -> float:
    """Decades by which the figure is better (above 0) or worse than the target; 0 if it was not measured.

    If the bound is 0, or the figure has the other sign, there is no ratio: the bar is one decade long.
    """
    if row.target is None or row.figure is None:
        return 0.0
    if row.figure <= 0 or row.target.bound <= 0:
        return 1.0 if row.is_reached else -1.0
    decades = log10(row.figure / row.target.bound)
    return decades if row.target.is_floor else -decades


def _bar(row: Row, y: int) -> str:
    start, end = sorted((_x(0), _x(distance(row))))
    kind = "reached" if row.is_reached else "missed"
    label = escape(f"{row.path}: {row.against}")
    shown = escape(f"{row.shown.partition(' (')[0]} {row.unit}, {row.target}")
    return (
        f"<g><title>{label}: {shown}</title>"
        f'<text x="{LABEL - 12}" y="{y + 15}" text-anchor="end">{_short(label)}</text>'
        f'<rect x="{start}" y="{y + 4}" width="{max(end - start, 2):.1f}" height="14" class="{kind}"/></g>'
    )


def _short(label: str, most: int = 76) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _x(decades: float) -> float:
    inside = max(-SPAN, min(SPAN, decades))
    half = (WIDTH - LABEL - 20) / 2
    return round(LABEL + half + half * inside / SPAN, 1)
