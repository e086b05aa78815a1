"""Pictures of numbers: SVG drawn by the server, without a style or a script of its own, and the numbers as words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH: Final = 640
HEIGHT: Final = 140
BASE: Final = 118  # where bars stand; below it are the words
TOP: Final = 14
MOST_POINTS: Final = 400
NAMES: Final = 110  # where the rows of pairs begin, after their names
ROW: Final = 26


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: int


def bars(title: str, shown: Sequence[Bar], *, second: bool = False) -> SafeString:
    """Every bar has its own words; the whole is summed up for those who hear it."""
    most = max((bar.value for bar in shown), default=0) or 1
    step = WIDTH / max(len(shown), 1)
    drawn = (
        (
            "bar second" if second else "bar",
            f"{number * step + 1:.1f}",
            f"{BASE - _height(bar.value, most):.1f}",
            f"{max(step - 2, 1):.1f}",
            f"{_height(bar.value, most):.1f}",
            f"{bar.label}: {bar.value:,}",
        )
        for number, bar in enumerate(shown)
    )
    rects = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1"><title>{}</title></rect>', drawn
    )
    total = sum(bar.value for bar in shown)
    said = f"{title}: {total:,} in all, {most if total else 0:,} at most."
    return _frame(said, rects, f"{most:,}" if total else "0", _ends([bar.label for bar in shown]))


def line(title: str, labels: Sequence[str], values: Sequence[float]) -> SafeString:
    """`labels` and `values` go together; of very many only some are drawn, the last one always."""
    if len(values) < 2:
        return SafeString("")
    every = max(len(values) // MOST_POINTS, 1)
    kept = [*range(0, len(values) - 1, every), len(values) - 1]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    points = " ".join(
        f"{number * WIDTH / (len(values) - 1):.1f},{BASE - (values[number] - low) / span * (BASE - TOP):.1f}"
        for number in kept
    )
    said = f"{title}: from {values[0]:,.2f} to {values[-1]:,.2f}; lowest {low:,.2f}, highest {high:,.2f}."
    return _frame(said, format_html('<polyline class="line" points="{}"/>', points), f"{high:,.2f}", _ends(labels))


@dataclass(frozen=True, slots=True)
class Pair:
    """A share before and after, in per cent."""

    label: str
    before: float
    after: float


def pairs(title: str, shown: Sequence[Pair]) -> SafeString:
    """A row for each name: what it was above what it will be."""
    most = max((max(pair.before, pair.after) for pair in shown), default=0.0) or 1.0
    room = WIDTH - NAMES
    drawn = (
        (
            number * ROW + 17,
            pair.label,
            NAMES,
            number * ROW + 4,
            f"{pair.before * room / most:.1f}",
            number * ROW + 13,
            f"{pair.after * room / most:.1f}",
            f"{pair.label}: from {pair.before:g} % to {pair.after:g} %",
        )
        for number, pair in enumerate(shown)
    )
    rows = format_html_join(
        "",
        '<g><title>{7}</title><text x="0" y="{0}">{1}</text><rect class="bar" x="{2}" y="{3}" width="{4}" height="8"/>'
        '<rect class="bar second" x="{2}" y="{5}" width="{6}" height="8"/></g>',
        drawn,
    )
    said = f"{title}: {'; '.join(f'{pair.label} from {pair.before:g} to {pair.after:g} %' for pair in shown)}."
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>',
        WIDTH,
        max(len(shown), 1) * ROW,
        said,
        rows,
    )


def _height(value: int, most: int) -> float:
    """What is not nothing is seen."""
    return max((BASE - TOP) * value / most, 2.0) if value else 0.0


def _ends(labels: Sequence[str]) -> tuple[str, str]:
    return (labels[0], labels[-1]) if labels else ("", "")


def _frame(said: str, inside: SafeString, most: str, ends: tuple[str, str]) -> SafeString:
    return format_html(
        '<svg class="chart" viewBox="0 0 {w} {h}" role="img" aria-label="{said}"><title>{said}</title>{inside}'
        '<line class="axis" x1="0" y1="{base}" x2="{w}" y2="{base}"/><text x="0" y="11">{most}</text>'
        '<text x="0" y="{low}">{first}</text><text x="{w}" y="{low}" text-anchor="end">{last}</text></svg>',
        w=WIDTH,
        h=HEIGHT,
        said=said,
        inside=inside,
        base=BASE,
        most=most,
        low=HEIGHT - 6,
        first=ends[0],
        last=ends[1],
    )
