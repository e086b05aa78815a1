"""Encrypts every encrypted value of every table again, with the first of ENCRYPTION_KEYS, in steps.

Web and workers keep running: a value is only replaced if it is still the value that was read. A value that the first
key encrypted does not change. So an interrupted run is simply repeated, and a run that changes nothing shows that no
older key is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db.models import Case, F, Model, TextField, Value, When
from django.db.transaction import atomic

from gateway.database.encryption import EncryptedField, reencrypt

STEP: Final = 500  # rows per statement


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """An EncryptedField of a model."""

    model: type[Model]
    name: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"

    @property
    def table(self) -> str:
        return str(self.model._meta.db_table)


@dataclass(frozen=True, slots=True)
class Reencrypted:
    """Counts so far: values read, values encrypted again, and the keys of rows that no encryption key decrypts."""

    read: int = 0
    reencrypted: int = 0
    unopened: tuple[int, ...] = ()


def encrypted_columns() -> list[EncryptedColumn]:
    """The encrypted columns of all apps, found by the type of the field."""
    return [
        EncryptedColumn(model, field.name)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if isinstance(field, EncryptedField) and field.model is model
    ]


def reencrypt_column(column: EncryptedColumn) -> Iterator[Reencrypted]:
    """Yields the counts after each step."""
    after, so_far = 0, Reencrypted()
    while values := _values(column, after=after):
        changes, unopened = _reencrypted(values)
        _replace(column, changes)
        after = max(values)
        so_far = Reencrypted(
            so_far.read + len(values), so_far.reencrypted + len(changes), (*so_far.unopened, *unopened)
        )
        yield so_far


def _values(column: EncryptedColumn, *, after: int) -> dict[int, str]:
    """The next values that are neither null nor empty, by the key of their row."""
    rows: Any = column.model._default_manager.filter(pk__gt=after, **{f"{column.name}__gt": ""})
    return dict(rows.order_by("pk").values_list("pk", column.name)[:STEP])


def _reencrypted(values: dict[int, str]) -> tuple[dict[int, tuple[str, str]], list[int]]:
    """Old and new text of the values to change, and the rows whose value no key decrypts."""
    changes, unopened = {}, []
    for row, old in values.items():
        try:
            new = reencrypt(old)
        except InvalidToken:
            unopened.append(row)
        else:
            if new != old:
                changes[row] = old, new
    return changes, unopened


def _replace(column: EncryptedColumn, changes: dict[int, tuple[str, str]]) -> None:
    """Keeps the value of a row that was written meanwhile.

    Locks the rows in the order of their keys first, as workers do: an UPDATE locks in no particular order.
    """
    if changes:
        same = [When(**{"pk": row, column.name: old}, then=Value(new)) for row, (old, new) in changes.items()]
        rows = column.model._default_manager.filter(pk__in=list(changes))
        with atomic():
            list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))
            rows.update(**{column.name: Case(*same, default=F(column.name), output_field=TextField())})
