"""Badges that show a state in the console: the state's name, coloured by its urgency."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

# States that are not listed are neutral.
TONES: Final[Mapping[str, tuple[str, ...]]] = {
    "bad": ("ERROR", "ERRORED", "UNPLACED", "GIVEN_UP", "contradicts", "unknown order", "disabled"),
    "warn": (
        *("PARTIAL", "REJECTED", "PARTIALLYPLACED", "PARTIALLYFILLED", "UNFILLED", "ACTION_REQUIRED", "PROPOSED"),
        *("partial", "zero-fill", "failing"),
    ),
    "good": ("COMPLETE", "COMPLETED", "DELIVERED", "APPLIED", "PUBLISHED", "exact match", "healthy"),
}
_TONE: Final = {word: tone for tone, words in TONES.items() for word in words}


def badge(word: str) -> SafeString:
    tone = _TONE.get(word, "plain")
    return format_html('<span class="badge {}">{}</span>', tone, word.replace("_", " "))


def badge_of(field: str, description: str = "") -> Callable[[Any], SafeString]:
    """A column for `list_display` that replaces the field's own."""

    @admin.display(ordering=field, description=description or field)
    def column(row: Any) -> SafeString:
        return badge(str(getattr(row, field)))

    column.__name__ = field  # the admin takes the column's name from it
    return column
