"""Numbers in the rebalance studio."""

from decimal import Decimal
from typing import Any

from django import template

from smallcases.drafts import plain

register = template.Library()


@register.filter
def percent(weight: Decimal | None) -> str:
    """Without trailing zeros."""
    return "–" if weight is None else plain(weight)


@register.filter
def rupees(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"₹{amount:,.2f}"


@register.filter
def became(change: Any) -> str:
    if not change.before:
        return "added"
    return "changed" if change.after else "removed"


@register.filter
def moved(change: Any) -> str:
    """Percentage points, with their sign."""
    points: Decimal = change.after - change.before
    return f"{'+' if points > 0 else '−'}{plain(abs(points))}"
