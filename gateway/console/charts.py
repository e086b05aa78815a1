"""Charts as SVG, drawn by the server without styles or scripts of their own, with a text for screen readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH: Final = 640
HEIGHT: Final = 120
BASE: Final = 118  # the y of the bars' lower end
TOP: Final = 14
MOST_POINTS: Final = 400


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    value: int


def bars(title: str, shown: Sequence[Bar], *, second: bool = False) -> SafeString:
    """Every bar has a title, and the chart a summary for screen readers."""
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
    """A line through `values`, one per label. Long series are thinned; the last value is always drawn."""
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
    """A share before and after, in percent."""

    label: str
    before: float
    after: float


def pairs(title: str, shown: Sequence[Pair]) -> SafeString:
    """A row per name, with its share before above its share after."""
    most = max((max(pair.before, pair.after) for pair in shown), default=0.0) or 1.0
    drawn = (
        (
            f"{pair.label}: from {pair.before:g} % to {pair.after:g} %",
            pair.label,
            f"{pair.before * 100 / most:.1f}",
            f"{pair.after * 100 / most:.1f}",
        )
        for pair in shown
    )
    rows = format_html_join(
        "",
        '<div title="{}"><span>{}</span><svg viewBox="0 0 100 18" preserveAspectRatio="none"><rect class="bar" y="0" '
        'width="{}" height="8"/><rect class="bar second" y="10" width="{}" height="8"/></svg></div>',
        drawn,
    )
    said = f"{title}: {'; '.join(f'{pair.label} from {pair.before:g} to {pair.after:g} %' for pair in shown)}."
    return format_html('<div class="pairs" role="img" aria-label="{}">{}</div>', said, rows)


def _height(value: int, most: int) -> float:
    """At least a visible height for a value above zero."""
    return max((BASE - TOP) * value / most, 2.0) if value else 0.0


def _ends(labels: Sequence[str]) -> tuple[str, str]:
    return (labels[0], labels[-1]) if labels else ("", "")


def _frame(said: str, inside: SafeString, most: str, ends: tuple[str, str]) -> SafeString:
    """The captions are below the drawing, which is stretched, so that text has the same size on every screen."""
    return format_html(
        '<figure class="chart"><svg viewBox="0 0 {w} {h}" preserveAspectRatio="none" role="img" aria-label="{said}">'
        '<title>{said}</title>{inside}<line class="axis" x1="0" y1="{base}" x2="{w}" y2="{base}"/></svg>'
        '<figcaption aria-hidden="true"><span>{first}</span><span>highest {most}</span><span>{last}</span></figcaption>'
        "</figure>",
        w=WIDTH,
        h=HEIGHT,
        said=said,
        inside=inside,
        base=BASE,
        most=most,
        first=ends[0],
        last=ends[1],
    )
