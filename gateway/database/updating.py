"""Rows written by statements that are built once.

Django builds the SQL of every write anew, and `bulk_update` says with a CASE for each column what each row gets. That
costs more than all else that is done to a batch (docs/performance.md).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.sql import UpdateQuery

MOST_VALUES: Final = 10_000  # of one statement; SQLite takes 32,766
MOST_STATEMENTS: Final = 256  # the least used are built anew
Column = Field[Any, Any]
Rows = Callable[[], QuerySet[Any]]
M = TypeVar("M", bound=Model)


class Place(NamedTuple):
    """Of a parameter: whether it is looked for or written, and in which column."""

    is_written: bool
    name: str
    column: Column


def update_where(rows: Rows, match: Mapping[str, object], /, **values: object) -> int:
    """As `rows().filter(**match).update(**values)`.

    `rows` is a function that stays the same and gives the same rows each time. `match` and `values` are fields and
    values of theirs, never expressions; None is a value to write, and matches nothing.
    """
    sql, places = _where(rows, tuple(match), tuple(values), connection.vendor)
    arguments: list[Any] = [_argument(one, match, values) for one in places]
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return int(cursor.rowcount)


def update_each(rows: Sequence[Model], names: Sequence[str]) -> int:
    """Writes the fields `names` of each of the rows, which are of one model; how many of them there still were.

    The rows are locked in no order: a caller that may meet another at them has locked what they belong to.
    """
    if not rows:
        return 0
    columns = _columns(type(rows[0]), tuple(names))
    found = 0
    with connection.cursor() as cursor:
        for part in _parts(rows, columns):
            cursor.execute(_update(columns, len(part), connection.vendor), _values(part, columns))
            found += cursor.rowcount
    return found


def insert_one(row: Model) -> None:
    """A new row, every column as the instance has it; its key is learned. As `row.save(force_insert=True)`, unheard."""
    insert_each([row], learn_keys=True)


def insert_if(row: Model, asked: tuple[str, Sequence[Any]], number: int) -> bool:
    """As `insert_one`, if there are `number` rows of what is asked (Compiled.asked); else nothing is written.

    One statement: nobody can come between the question and the row.
    """
    sql, parameters = asked
    arguments = [*_values([row], _new(type(row))), *parameters, number]
    with connection.cursor() as cursor:
        cursor.execute(_insert_if(type(row), sql, connection.vendor), arguments)
        return _learn([row], cursor.fetchall())


def insert_each(rows: Sequence[Model], *, pass_over_known: bool = False, learn_keys: bool = False) -> None:
    """New rows of one model, every column as the instance has it.

    `pass_over_known`: a row that breaks a unique constraint is left out. `learn_keys`: each instance is given its key,
    as both databases return them in the order of the rows; not together with the former. Where there are too many for
    one statement, the caller has opened a transaction, or bears that some are written and others are not.
    """
    if not rows:
        return
    columns = _new(type(rows[0]))
    ending = " ON CONFLICT DO NOTHING" if pass_over_known else ""
    ending += _returning(type(rows[0])) if learn_keys else ""
    with connection.cursor() as cursor:
        for part in _parts(rows, columns):
            cursor.execute(_insert(columns, len(part)) + ending, _values(part, columns))
            if learn_keys:
                _learn(part, cursor.fetchall())


def _argument(place: object, match: Mapping[str, object], values: Mapping[str, object]) -> object:
    """What stands at the place of a parameter, if it is not one that `rows` has brought."""
    if not isinstance(place, Place):
        return place
    value = values[place.name] if place.is_written else match[place.name]
    return place.column.get_db_prep_save(value, connection)


@lru_cache(MOST_STATEMENTS)
def _where(rows: Rows, match: tuple[str, ...], written: tuple[str, ...], vendor: str) -> tuple[str, Sequence[object]]:
    every = rows()
    found = every.filter(**{name: Value(Place(False, name, _column(every.model, name))) for name in match})
    query: Any = found.query.chain(UpdateQuery)
    query.add_update_values({name: Value(Place(True, name, _column(every.model, name))) for name in written})
    sql, parameters = query.get_compiler(connection=connection).as_sql()
    return sql, parameters


def _column(model: type[Model], name: str) -> Column:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)  # type: ignore[return-value]  # a column


@lru_cache(MOST_STATEMENTS)
def _columns(model: type[Model], names: tuple[str, ...]) -> tuple[Column, ...]:
    """The key's first."""
    return tuple(_column(model, name) for name in ("pk", *names))


@cache
def _new(model: type[Model]) -> tuple[Column, ...]:
    """All but the key, which the database gives."""
    return tuple(one for one in model._meta.concrete_fields if not one.primary_key)


def _learn(rows: Sequence[Model], keys: Sequence[tuple[Any]]) -> bool:
    """Whether they were written; their keys are what came back."""
    for row, (key,) in zip(rows, keys, strict=False):
        row.pk, row._state.adding, row._state.db = key, False, DEFAULT_DB_ALIAS
    return bool(keys)


@cache
def _returning(model: type[Model]) -> str:
    return f" RETURNING {_quoted(_column(model, 'pk').column)}"


@lru_cache(MOST_STATEMENTS)
def _insert_if(model: type[Model], asked: str, vendor: str) -> str:
    columns = _new(model)
    names = ", ".join(_quoted(one.column) for one in columns)
    values = ", ".join(_typed("%s", one, vendor) for one in columns)
    into = ["INSERT INTO", _quoted(model._meta.db_table), "(", names, ") SELECT", values]
    found = ["WHERE (SELECT COUNT(*) FROM (", asked, ") AS found) = %s"]
    return " ".join([*into, *found]) + _returning(model)


def _parts(rows: Sequence[M], columns: Sequence[Column]) -> Iterator[Sequence[M]]:
    at_once = MOST_VALUES // len(columns)
    return (rows[first : first + at_once] for first in range(0, len(rows), at_once))


def _values(rows: Sequence[Model], columns: Sequence[Column]) -> list[Any]:
    here = connections[DEFAULT_DB_ALIAS]  # itself: the proxy is looked through for each value
    return [one.get_db_prep_save(getattr(row, one.attname), here) for row in rows for one in columns]


@lru_cache(MOST_STATEMENTS)
def _update(columns: Sequence[Column], number: int, vendor: str) -> str:
    """Names of columns are written into it, and no value is.

    PostgreSQL and SQLite both call the columns of a bare VALUES column1, column2 …
    """
    key, *changing = [_quoted(one.column) for one in columns]
    table = _quoted(columns[0].model._meta.db_table)
    arguments = [_typed(f"given.column{at}", one, vendor) for at, one in enumerate(columns, start=1)]
    changes = ", ".join(f"{column} = {value}" for column, value in zip(changing, arguments[1:], strict=True))
    match = f"WHERE {table}.{key} = {arguments[0]}"
    return " ".join(["UPDATE", table, "SET", changes, "FROM (VALUES", _slots(columns, number), ") AS given", match])


@lru_cache(MOST_STATEMENTS)
def _insert(columns: Sequence[Column], number: int) -> str:
    table = _quoted(columns[0].model._meta.db_table)
    names = ", ".join(_quoted(one.column) for one in columns)
    return " ".join(["INSERT INTO", table, "(", names, ") VALUES", _slots(columns, number)])


def _slots(columns: Sequence[Column], number: int) -> str:
    row = "(" + ", ".join(["%s"] * len(columns)) + ")"
    return ", ".join([row] * number)


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(str(name))


def _typed(value: str, field: Column, vendor: str) -> str:
    """PostgreSQL takes a column of nothing but NULLs for text; SQLite asks no column for its type.

    Without its length: a cast would cut off what is too long, and the column refuses it.
    """
    return f"{value}::{str(field.db_type(connection)).partition('(')[0]}" if vendor == "postgresql" else value
