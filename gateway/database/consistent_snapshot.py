"""The whole database as it was at one moment, for reading only."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.transaction import atomic


@contextmanager
def consistent_snapshot() -> Iterator[None]:
    """Every query within sees the same moment, nothing can be written, and no writer waits for us.

    Not inside a transaction: the moment is chosen by its first query.
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
    """Deferred: Django's own transactions are IMMEDIATE here, and take the only writer's lock."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = ON")
        cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")
            cursor.execute("PRAGMA query_only = OFF")
