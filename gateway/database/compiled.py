"""Questions that Django compiles once: for those asked with every request, building the SQL costs more than the answer.

    @compiled
    def accounts_called(*, gateway: str, auth_id: str) -> QuerySet[Account]:
        return Account.objects.select_related("gateway").filter(gateway__name=gateway, auth_id=auth_id)

Called, it answers with a list, and asks the database every time: what is kept is the statement, never a row.

A text, a whole number and a moment are parameters of the statement. So are those of a list or a tuple, for which there
is a statement for each power of two: a list is filled up with its last element, which `IN` does not mind.
Anything else (None, a truth value, an enum's member) is a part of the statement, and the function may look at it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any, Final, Generic, NamedTuple, ParamSpec, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet, Value
from django.db.models.query import ModelIterable, ValuesListIterable, get_related_populators
from django.db.models.sql.compiler import SQLCompiler

# Of one question; the least used are compiled anew.
MOST_STATEMENTS: Final = 64
# What is asked less often, such as a page far down a list, is not worth preparing.
OFTEN = 20
_numbers = count(1)
Given = ParamSpec("Given")
Row = TypeVar("Row")


class Slot(NamedTuple):
    """A parameter's place: the argument's name, and which element of it where it is a list."""

    name: str
    place: int | None = None


class Several(NamedTuple):
    """In the place of a list: how many there are of it in the statement."""

    number: int


class One(NamedTuple):
    """In the place of a text, a number or a moment."""


@dataclass(slots=True)
class Statement:
    """Of one shape: its text, what its columns mean, and what becomes of a row."""

    sql: str
    parameters: Sequence[object]
    compiler: SQLCompiler  # of a connection that is never opened
    converters: dict[int, Any]
    made: Callable[[Sequence[Any]], Any]
    name: str = field(default_factory=lambda: f"kept_{next(_numbers)}")
    asked: int = 0

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        return [_value(one, given) if isinstance(one, Slot) else one for one in self.parameters]

    def answer(self, given: Mapping[str, Any], here: BaseDatabaseWrapper) -> list[Any]:
        """As the queryset itself would, but for what it would find out about its columns each time."""
        with here.cursor() as cursor:
            self._ask(cursor, given, here)
            rows = cursor.fetchall()
        made = self.made
        return [made(row) for row in self.compiler.apply_converters(rows, self.converters)]

    def _ask(self, cursor: CursorWrapper, given: Mapping[str, Any], here: Any) -> None:
        """By the name under which the server has it prepared, once it was asked often (gateway.database.postgresql)."""
        self.asked += 1
        if self.asked > OFTEN and hasattr(here, "has_prepared") and here.has_prepared(self.name, self._text):
            arguments = [_value(one, given) for one in self.parameters if isinstance(one, Slot)]
            slots = f" ({', '.join(['%s'] * len(arguments))})" if arguments else ""
            try:
                cursor.execute(f"EXECUTE {self.name}{slots}", arguments)
            except NotSupportedError:  # a migration has changed a column since
                here.forget_prepared()
            else:
                return
        cursor.execute(self.sql, self.arguments(given))

    def _text(self, literal: Callable[[Any], str]) -> str:
        """For PREPARE: what never changes stands in it, for there are indexes of some rows only."""
        numbers = count(1)
        places = [f"${next(numbers)}" if isinstance(one, Slot) else literal(one) for one in self.parameters]
        return self.sql % tuple(places)


class Compiled(Generic[Given, Row]):
    def __init__(self, build: Callable[Given, QuerySet[Any, Row]]) -> None:
        self._build = build
        self._statement = lru_cache(MOST_STATEMENTS)(self._compiled)

    def __call__(self, *args: Given.args, **given: Given.kwargs) -> list[Row]:
        here = connections[DEFAULT_DB_ALIAS]
        statement = self._kept(given, here.vendor)
        return statement.answer(given, here) if statement else []

    def asked(self, *args: Given.args, **given: Given.kwargs) -> tuple[str, list[Any]]:
        """The statement and its parameters, to be a part of another one; no list may be empty."""
        statement = self._kept(given, connection.vendor)
        if statement is None:
            raise EmptyResultSet
        return statement.sql, statement.arguments(given)

    def _kept(self, given: Mapping[str, Any], vendor: str) -> Statement | None:
        return self._statement(vendor, tuple((name, _shape(value)) for name, value in given.items()))

    def _compiled(self, vendor: str, shape: tuple[tuple[str, Any], ...]) -> Statement | None:
        """None where there can be no row, as with an empty list."""
        rows = self._build(**{name: _placed(name, form) for name, form in shape})  # type: ignore[call-arg]  # placeholders
        compiler = rows.query.get_compiler(connection=connection)
        try:
            sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            return None
        # On SQLite converters hold on to their connection: this thread's own would outlive the thread.
        compiler.connection = connection.copy()
        converters = compiler.get_converters([column for column, *_ in compiler.select[: compiler.col_count]])
        return Statement(sql, parameters, compiler, converters, _maker(rows, compiler))


def compiled(build: Callable[Given, QuerySet[Any, Row]]) -> Compiled[Given, Row]:
    """Of a function with keyword-only arguments; see above."""
    return Compiled(build)


def first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


def _maker(rows: QuerySet[Any], compiler: SQLCompiler) -> Callable[[Sequence[Any]], Any]:
    """What a row becomes: what Django's ModelIterable or ValuesListIterable makes of it."""
    if rows._iterable_class is ValuesListIterable:
        return lambda row: tuple(row[: compiler.col_count])
    if rows._iterable_class is not ModelIterable:
        raise TypeError(rows._iterable_class)
    model: Any = rows.model
    described: Any = compiler.klass_info
    places, annotated = described["select_fields"], compiler.annotation_col_map or {}
    own = slice(places[0], places[-1] + 1)
    names = [column.target.attname for column, *_ in compiler.select[own]]
    related = get_related_populators(described, compiler.select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg]  # a newer Django's

    def made(row: Sequence[Any]) -> Any:
        instance = model.from_db(DEFAULT_DB_ALIAS, names, row[own])
        for one in related:
            one.populate(row, instance)
        for name, place in annotated.items():
            setattr(instance, name, row[place])
        return instance

    return made


def _shape(value: Any) -> Any:
    if type(value) in {list, tuple}:
        return Several(1 << (len(value) - 1).bit_length() if value else 0)
    return One() if type(value) in {str, int, datetime} else value


def _placed(name: str, form: Any) -> Any:
    if isinstance(form, Several):
        return [Value(Slot(name, index)) for index in range(form.number)]
    return Value(Slot(name)) if isinstance(form, One) else form


def _value(slot: Slot, given: Mapping[str, Any]) -> Any:
    value = given[slot.name]
    one = value if slot.place is None else value[min(slot.place, len(value) - 1)]
    return connection.ops.adapt_datetimefield_value(one) if type(one) is datetime else one
