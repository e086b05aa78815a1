"""The name of the constraint that a write violated."""

from typing import Final

from django.apps import apps
from django.db import IntegrityError
from django.db.models import Model, UniqueConstraint

_CHECK: Final = "CHECK constraint failed: "
_UNIQUE: Final = "UNIQUE constraint failed: "


def violated_constraint(error: IntegrityError) -> str:
    """Empty where the database does not say: on SQLite of foreign keys, of NOT NULL, and of single unique fields.

    PostgreSQL names every constraint. SQLite names CHECKs, and of the others the columns.
    """
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        return str(diagnosis.constraint_name or "")
    message = str(error)
    if message.startswith(_UNIQUE):
        return _unique_on(set(message.removeprefix(_UNIQUE).split(", ")))
    return message.removeprefix(_CHECK) if message.startswith(_CHECK) else ""


def _unique_on(columns: set[str]) -> str:
    """The one UniqueConstraint on just these columns; empty where there are several."""
    named = [
        constraint.name
        for model in apps.get_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint) and _columns(model, constraint) == columns
    ]
    return named[0] if len(named) == 1 else ""


def _columns(model: type[Model], constraint: UniqueConstraint) -> set[str]:
    columns = {field.name: field.column for field in model._meta.concrete_fields}
    return {f"{model._meta.db_table}.{columns[name]}" for name in constraint.fields}
