"""Rows of plain SQL: read as values and instances, inserted and updated in sets.

The statements are in each app's `sql.py`. Values are converted by Django's fields and database backend, in both
directions, because SQLite has neither decimals nor times. A `%s` whose parameter is a tuple is a list for `IN`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final, TypeAlias

from django.db import connection, connections
from django.db.models import DateTimeField, DurationField, Field, Model
from django.db.models.expressions import Col

MOST_VALUES: Final = 10_000  # of one statement; SQLite takes 32,766
MOST_STATEMENTS: Final = 256
Column: TypeAlias = Field[Any, Any]
Row: TypeAlias = Sequence[Any]
WRITTEN_AS: Final[dict[type, Column]] = {datetime: DateTimeField(), timedelta: DurationField()}


class Only:
    """An instance with these fields and its key; Django reads another field when it is asked for.

    `key`: the column that refers to it. The fields are then read by subqueries, without a join: PostgreSQL plans a few
    of them in half of a join's time, and a statement that looks up one row is planned for longer than it runs.
    """

    def __init__(self, model: type[Model], *names: str, key: str = "") -> None:
        self.model, self.key = model, key
        self.columns = [one for one in columns_of(model) if one.primary_key or one.name in names]


class ValuesOf:
    """A value for each of these fields."""

    def __init__(self, model: type[Model], *names: str) -> None:
        self.columns = [column(model, name) for name in names]


@dataclass(frozen=True, slots=True)
class Computed:
    """The value of an SQL expression, converted as a value of `field`."""

    sql: str
    field: Column


Part: TypeAlias = type[Model] | Only | ValuesOf | Computed


class RowReader:
    """Reads the columns of a SELECT: `RowReader(o=Order, a=Only(Account, "broker")).select("FROM … o JOIN … a …", …)`.

    A keyword is an alias of the statement. A model or Only becomes an instance, or None if an outer join found no row.
    """

    def __init__(self, **parts: Part) -> None:
        self._listed: list[str] = []
        self._fields: list[Column] = []
        self._makers: list[Callable[[Row], Any]] = []
        for alias, part in parts.items():
            self._add(alias, part)
        self._start = f"SELECT {', '.join(self._listed)} "

    def select(self, rest: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of the statement that ends in `rest`. An empty list among the parameters: none, without asking."""
        makers = self._makers
        return [tuple([make(row) for make in makers]) for row in self._rows(rest, parameters)]

    def select_each(self, rest: str, *parameters: Any) -> list[Any]:
        """As `select`, of a reader with one part: its instances or values."""
        (make,) = self._makers
        return [make(row) for row in self._rows(rest, parameters)]

    def _rows(self, rest: str, parameters: Row) -> Sequence[Row]:
        if () in parameters:
            return []
        rows = fetched(self._start + rest, parameters)
        return [self._converted(row) for row in rows] if self._converters else rows

    def _converted(self, row: Row) -> Row:
        values = list(row)
        for place, functions, expression in self._converters:
            for convert in functions:
                values[place] = convert(values[place], expression, connection)
        return values

    @cached_property
    def _converters(self) -> list[tuple[int, list[Callable[..., Any]], Col]]:
        """By place. Of a copy of the connection: SQLite's hold on to theirs, and would keep a thread's from closing."""
        here = connection.copy()
        columns = [Col("", field) for field in self._fields]
        found = [[*here.ops.get_db_converters(one), *one.get_db_converters(here)] for one in columns]
        return [(place, found[place], one) for place, one in enumerate(columns) if found[place]]

    def _add(self, alias: str, part: Part) -> None:
        first = len(self._fields)
        if isinstance(part, Computed):
            self._listed.append(part.sql)
            self._fields.append(part.field)
            self._makers.append(itemgetter(first))
            return
        columns = columns_of(part) if isinstance(part, type) else part.columns
        key = part.key if isinstance(part, Only) else ""
        self._listed += [_looked_up(one, key) if key else f"{alias}.{_quoted(one)}" for one in columns]
        self._fields += columns
        if isinstance(part, ValuesOf):
            self._makers += [itemgetter(first + n) for n in range(len(columns))]
        else:
            self._makers.append(_instance_maker(part.model if isinstance(part, Only) else part, columns, first))


def _looked_up(column: Column, key: str) -> str:
    if column.primary_key:
        return key
    return " ".join(["(SELECT", _quoted(column), "FROM", _table(column.model), "x", "WHERE x.id =", f"{key})"])


def _instance_maker(model: type[Model], columns: Sequence[Column], first: int) -> Callable[[Row], Model | None]:
    names, own = [one.attname for one in columns], slice(first, first + len(columns))
    key = first + next(place for place, one in enumerate(columns) if one.primary_key)

    def made(row: Row) -> Model | None:
        return None if row[key] is None else model.from_db(connection.alias, names, row[own])

    return made


def fetched(sql: str, parameters: Row) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(*_bound(sql, parameters))
        return list(cursor.fetchall())


def changed(sql: str, parameters: Row) -> int:
    """The number of rows that the statement has changed."""
    with connection.cursor() as cursor:
        cursor.execute(*_bound(sql, parameters))
        return int(cursor.rowcount)


def locking(clause: str) -> str:
    """`FOR UPDATE …`; nothing on SQLite, which has one writer."""
    return clause if connection.vendor == "postgresql" else ""


def column(model: type[Model], name: str) -> Column:
    return next(one for one in columns_of(model) if one.name == name or (name == "pk" and one.primary_key))


def columns_of(model: type[Model]) -> list[Column]:
    return list(model._meta.concrete_fields)


def insert_rows(rows: Sequence[Model], *, pass_over_known: bool = False, learn_keys: bool = False) -> None:
    """New rows of one model, every column as the instance has it; no signal is sent.

    `pass_over_known`: a row that breaks a unique constraint is left out. `learn_keys`: each instance is given its key,
    as both databases return them in the order of the rows; not together with the former. Where there are too many for
    one statement, the caller has opened a transaction, or bears that some are written and others are not.
    """
    ending = " ON CONFLICT DO NOTHING" if pass_over_known else " RETURNING id" if learn_keys else ""
    for part, columns in _parts(rows):
        sql = f"{_insert_into(type(part[0]))} VALUES {_slots(len(columns), len(part))}{ending}"
        if learn_keys:
            _learn(part, fetched(sql, _values(part, columns)))
        else:
            changed(sql, _values(part, columns))


def insert_row_where(row: Model, condition: str, *parameters: Any) -> bool:
    """A new row, if `condition` is true in the same statement: nobody can come between the two."""
    columns = _written_columns(type(row))
    sql = f"{_insert_into(type(row))} SELECT {', '.join(['%s'] * len(columns))} WHERE {condition} RETURNING id"
    keys = fetched(sql, [*_values([row], columns), *parameters])
    _learn([row], keys)
    return bool(keys)


def update_rows(rows: Sequence[Model], names: Sequence[str]) -> int:
    """Writes the fields `names` of each of the rows, which are of one model; how many of them there still were.

    The rows are locked in no order: a caller that may meet another at them has locked what they belong to.
    """
    return sum(
        changed(_update(columns, len(part), connection.vendor), _values(part, columns))
        for part, columns in _parts(rows, ("pk", *names))
    )


def delete_rows(model: type[Model], keys: Sequence[int]) -> int:
    """How many there still were; no signal is sent, and no row that refers to them is looked for."""
    parts = [tuple(keys[first : first + MOST_VALUES]) for first in range(0, len(keys), MOST_VALUES)]
    return sum(changed(" ".join(["DELETE FROM", _table(model), "WHERE id IN %s"]), [part]) for part in parts)


def _parts(rows: Sequence[Model], names: tuple[str, ...] = ()) -> Iterator[tuple[Sequence[Model], Sequence[Column]]]:
    if rows:
        columns = _written_columns(type(rows[0]), names)
        at_once = MOST_VALUES // len(columns)
        yield from ((rows[first : first + at_once], columns) for first in range(0, len(rows), at_once))


@lru_cache(MOST_STATEMENTS)
def _written_columns(model: type[Model], names: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Those of `names`; else all but the key, which the database gives."""
    new = (one for one in columns_of(model) if not one.primary_key)
    return tuple(column(model, name) for name in names) or tuple(new)


def _learn(rows: Sequence[Model], keys: Sequence[Row]) -> None:
    for row, (key,) in zip(rows, keys, strict=False):
        row.pk, row._state.adding, row._state.db = key, False, connection.alias


def _values(rows: Sequence[Model], columns: Sequence[Column]) -> list[Any]:
    here = connections[connection.alias]  # itself: the proxy is looked through for each value
    return [one.get_db_prep_save(getattr(row, one.attname), here) for row in rows for one in columns]


@lru_cache(MOST_STATEMENTS)
def _insert_into(model: type[Model]) -> str:
    return f"INSERT INTO {_table(model)} ({', '.join(map(_quoted, _written_columns(model)))})"


@lru_cache(MOST_STATEMENTS)
def _update(columns: Sequence[Column], number: int, vendor: str) -> str:
    """PostgreSQL and SQLite both call the columns of a bare VALUES column1, column2 …"""
    table = _table(columns[0].model)
    given = [_typed(f"given.column{place}", one, vendor) for place, one in enumerate(columns, start=1)]
    changes = ", ".join(f"{_quoted(one)} = {value}" for one, value in zip(columns[1:], given[1:], strict=True))
    rest = f"FROM (VALUES {_slots(len(columns), number)}) AS given WHERE {table}.{_quoted(columns[0])} = {given[0]}"
    return " ".join(["UPDATE", table, "SET", changes, rest])


def _slots(columns: int, number: int) -> str:
    return ", ".join([f"({', '.join(['%s'] * columns)})"] * number)


def _table(model: type[Model]) -> str:
    return f'"{model._meta.db_table}"'


def _quoted(column: Column) -> str:
    return f'"{column.column}"'


def _typed(value: str, column: Column, vendor: str) -> str:
    """PostgreSQL takes a column of nothing but NULLs for text; SQLite asks no column for its type.

    Without its length: a cast would cut off what is too long, and the column refuses it.
    """
    return f"{value}::{str(column.db_type(connection)).partition('(')[0]}" if vendor == "postgresql" else value


def _bound(sql: str, parameters: Row) -> tuple[str, Row]:
    """psycopg2 writes lists and times into a statement by itself."""
    if connection.vendor == "postgresql":
        return sql, parameters
    groups = [value if isinstance(value, tuple) else (value,) for value in parameters]
    slots = [_slots(len(value), 1) if isinstance(value, tuple) else "%s" for value in parameters]
    values = [(value, WRITTEN_AS.get(type(value))) for value in chain(*groups)]
    written = [field.get_db_prep_value(value, connection) if field else value for value, field in values]
    return sql.replace("%s", "{}").format(*slots), written
