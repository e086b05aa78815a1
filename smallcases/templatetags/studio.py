"""Numbers in the rebalance studio."""

from decimal import Decimal
from typing import Any, Final

from django import template

from gateway.values.money import grouped
from smallcases.rebalancing.drafts import plain

register = template.Library()
PLACES: Final = 4
FIGURE_WIDE: Final = "\u2007"
POINT_WIDE: Final = "\u2008"


@register.filter
def percent(weight: Decimal | None) -> str:
    """A weight without trailing zeros; "—" for none."""
    return "—" if weight is None else plain(weight)


@register.filter
def aligned(weight: Decimal | None) -> str:
    """As `percent`, padded with spaces of a digit's width so that decimal points align in a column."""
    whole, point, rest = percent(weight).partition(".")
    return f"{whole}{point or POINT_WIDE}{rest.ljust(PLACES, FIGURE_WIDE)}"


@register.filter
def rupees(amount: Decimal | None) -> str:
    if amount is None:
        return "unknown"
    whole, _, paise = f"{abs(amount):.2f}".partition(".")
    return f"{'−' if amount < 0 else ''}₹{grouped(whole)}.{paise}"


@register.filter
def became(change: Any) -> str:
    if not change.before:
        return "added"
    return "changed" if change.after else "removed"


@register.filter
def moved(change: Any) -> str:
    """The change in percentage points, with its sign."""
    points: Decimal = change.after - change.before
    return f"{'+' if points > 0 else '−'}{plain(abs(points))}"
