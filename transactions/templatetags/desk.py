"""Texts and numbers on the reconciliation desk."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template

from gateway.values.money import grouped
from gateway.values.timestamps import IST
from transactions.checkout.pages import indian_formats

register = template.Library()


@register.filter
def rupees(amount: Decimal | None) -> str:
    return "—" if amount is None or amount == "" else indian_formats.rupees(amount)


@register.filter
def price(of: Decimal | str | None) -> str:
    """Rupees with at least two decimals, from a column or a logged report."""
    if of is None or of == "":
        return "—"
    whole, _, rest = f"{Decimal(str(of)):f}".partition(".")
    return f"₹{grouped(whole)}.{rest.rstrip('0').ljust(2, '0')}"


@register.filter
def age(of: timedelta) -> str:
    """2 d 3 h; 3 h 4 min; 5 min."""
    minutes = int(of.total_seconds()) // 60
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


@register.filter
def moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(IST):%Y-%m-%d %H:%M:%S}"


@register.filter
def raw(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, indent=1, ensure_ascii=False)


@register.filter
def last_status(log: Sequence[Mapping[str, Any]]) -> str:
    return str(log[-1]["status"]) if log else "nothing"
