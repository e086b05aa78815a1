"""Rows of plain SQL compared with those of the equivalent queryset: values and their types."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model


def loaded(instance: Model | None) -> dict[str, str] | None:
    """The fields that were read, written out: 1.5 and 1.50 differ, and so do a text and a number."""
    if instance is None:
        return None
    return {name: repr(value) for name, value in vars(instance).items() if not name.startswith("_")}


def same(found: Iterable[Any], expected: Iterable[Any]) -> bool:
    """Instances, in this order; True, or an assertion that shows the first difference."""
    rows, others = [loaded(one) for one in found], [loaded(one) for one in expected]
    assert rows == others
    return bool(rows)
