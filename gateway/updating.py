"""Many rows, each with values of its own, in one UPDATE.

Django's `bulk_update` says it with a CASE for every column, and building those costs more than all else that is done
to a batch (docs/performance.md).
"""

from collections.abc import Sequence
from typing import Any, Final

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model

MOST_VALUES: Final = 10_000  # of one statement; SQLite takes 32,766


def update_each(rows: Sequence[Model], names: Sequence[str]) -> int:
    """Writes the fields `names` of each of the rows, which are of one model; how many of them there still were.

    The rows are locked in no order: whoever may meet another at them has locked what they belong to.
    """
    if not rows:
        return 0
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    every = {field.name: field for field in model._meta.concrete_fields}
    columns = [model._meta.pk, *(every[name] for name in names)]
    at_once = MOST_VALUES // len(columns)
    found = 0
    with connection.cursor() as cursor:
        for first in range(0, len(rows), at_once):
            part = rows[first : first + at_once]
            values = [one.get_db_prep_save(getattr(row, one.attname), connection) for row in part for one in columns]
            cursor.execute(_statement(columns, len(part), connection), values)
            found += cursor.rowcount
    return found


def _statement(columns: "Sequence[Field[Any, Any]]", number: int, connection: BaseDatabaseWrapper) -> str:
    """Names of columns are written into it, and no value is.

    PostgreSQL and SQLite both call the columns of a bare VALUES column1, column2 …
    """
    key, *changing = [connection.ops.quote_name(str(one.column)) for one in columns]
    table = connection.ops.quote_name(columns[0].model._meta.db_table)
    told = [_typed(f"told.column{at}", one, connection) for at, one in enumerate(columns, start=1)]
    changes = ", ".join(f"{column} = {value}" for column, value in zip(changing, told[1:], strict=True))
    values = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * number)
    match = f"WHERE {table}.{key} = {told[0]}"
    return " ".join(["UPDATE", table, "SET", changes, "FROM (VALUES", values, ") AS told", match])


def _typed(value: str, field: "Field[Any, Any]", connection: BaseDatabaseWrapper) -> str:
    """PostgreSQL takes a column of nothing but NULLs for text; SQLite asks no column for its type."""
    return f"{value}::{field.db_type(connection)}" if connection.vendor == "postgresql" else value
