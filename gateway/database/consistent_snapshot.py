"""Reads the whole database as it was at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.transaction import atomic


@contextmanager
def consistent_snapshot() -> Iterator[None]:
    """All queries inside see the same moment. Nothing can be written, and writers are not blocked.

    Must not be used inside a transaction: the first query sets the moment.
    """
    if connection.vendor == "sqlite":
        with _sqlite():
            yield
        return
    with atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@contextmanager
def _sqlite() -> Iterator[None]:
    """A deferred transaction: Django's own are IMMEDIATE on SQLite and take the only write lock."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
            cursor.execute("PRAGMA query_only = OFF")
