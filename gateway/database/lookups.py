"""One row, or an error that says what is missing."""

from typing import TypeVar

from django.db.models import Model, QuerySet

from gateway.values.errors import NotFound

M = TypeVar("M", bound=Model)


def first_or_not_found(rows: QuerySet[M], sentence: str) -> M:
    """The first of `rows`. Raises NotFound with `sentence`."""
    found = rows.first()
    if found is None:
        raise NotFound(sentence)
    return found
