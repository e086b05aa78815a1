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
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final, Generic, NamedTuple, ParamSpec, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

# Of one question; the least used are compiled anew.
MOST_STATEMENTS: Final = 64
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


@dataclass(frozen=True, slots=True)
class Statement:
    """Of one shape. The compiler knows how rows become instances, and no connection of its own."""

    rows: QuerySet[Any]
    compiler: SQLCompiler
    sql: str
    parameters: Sequence[object]

    def answer(self, given: Mapping[str, Any]) -> list[Any]:
        """As the queryset itself would, but for what its compiler says."""
        parameters = [_value(one, given) if isinstance(one, Slot) else one for one in self.parameters]
        compiler: Any = copy(self.compiler)
        compiler.connection = connections[DEFAULT_DB_ALIAS]
        compiler.as_sql = lambda *_, **__: (self.sql, parameters)
        query: Any = copy(self.rows.query)
        query.get_compiler = lambda *_, **__: compiler
        asked: Any = SimpleNamespace(db=DEFAULT_DB_ALIAS, query=query, model=self.rows.model, _known_related_objects={})
        iterable: Any = self.rows._iterable_class
        return list(iterable(asked))


class Compiled(Generic[Given, Row]):
    def __init__(self, build: Callable[Given, QuerySet[Any, Row]]) -> None:
        self._build = build
        self._statement = lru_cache(MOST_STATEMENTS)(self._compiled)

    def __call__(self, *args: Given.args, **given: Given.kwargs) -> list[Row]:
        shape = tuple((name, _shape(value)) for name, value in given.items())
        statement = self._statement(connection.vendor, shape)
        return statement.answer(given) if statement else []

    def _compiled(self, vendor: str, shape: tuple[tuple[str, Any], ...]) -> Statement | None:
        """None where there can be no row, as with an empty list."""
        rows = self._build(**{name: _placed(name, form) for name, form in shape})  # type: ignore[call-arg]  # placeholders
        # The proxy, not this thread's own connection, which would outlive the thread.
        compiler = rows.query.get_compiler(connection=connection)
        try:
            sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            return None
        return Statement(rows, compiler, sql, parameters)


def compiled(build: Callable[Given, QuerySet[Any, Row]]) -> Compiled[Given, Row]:
    """Of a function with keyword-only arguments; see above."""
    return Compiled(build)


def first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


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
