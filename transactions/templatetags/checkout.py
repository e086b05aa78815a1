"""Texts and numbers in the checkout's templates."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from brokers.ports.registry import BrokerProfile
from transactions.checkout.pages import indian_formats
from transactions.checkout.pages.wording.texts import ENGLISH

register = template.Library()


@register.simple_tag
def say(*name: str, **words: Any) -> SafeString:
    """The text with this name (its parts joined), filled in with the escaped `words`."""
    text = ENGLISH["".join(map(str, name))]
    return format_html(text, **words) if words else escape(text)


@register.filter
def rupees(amount: Decimal | None) -> str:
    return "" if amount is None else indian_formats.rupees(amount)


@register.filter
def negated(amount: Decimal) -> Decimal:
    return -amount


@register.filter
def count(number: int) -> str:
    return indian_formats.count(number)


@register.filter
def day_and_time(moment: datetime | None) -> str:
    return indian_formats.day_and_time(moment) if moment else ENGLISH["frame.next-open"]


@register.filter
def clock_time(moment: datetime) -> str:
    return indian_formats.clock_time(moment)


@register.filter
def countdown(seconds: int) -> str:
    return indian_formats.left(seconds)


@register.filter
def at(mapping: Any, key: str) -> Any:
    return mapping.get(key, "")


@register.inclusion_tag("checkout/_mark.html")
def mark(broker: BrokerProfile) -> dict[str, Any]:
    return {"mark": indian_formats.mark(broker.key, broker.name)}
