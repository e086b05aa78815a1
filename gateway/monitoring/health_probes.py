"""Checks of the database, the queue and the disk. Each may hang; see gateway.monitoring.hang_guard."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Final, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.transaction import atomic

from gateway.queue.enqueue import messages_waiting

T = TypeVar("T")
STATEMENT_MILLISECONDS: Final = 2000


def on_a_connection_of_its_own(ask: Callable[[], T]) -> Callable[[], T]:
    """For a thread: limits each statement to two seconds and closes the thread's connection afterwards."""

    @wraps(ask)
    def asked() -> T:
        try:
            with _limited_statements():
                return ask()
        finally:
            for mine in connections.all(initialized_only=True):
                BaseDatabaseWrapper.close(mine)  # SQLite's own close() keeps a database in memory open

    return asked


def unapplied_migrations() -> list[str]:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def queue_depth() -> int:
    """Wake-up messages waiting for a worker: a list's length on Redis, files in the embedded default."""
    return messages_waiting(settings.QUEUES)


def free_megabytes() -> int:
    return shutil.disk_usage(settings.VAR_DIR).free // 1_000_000


@contextmanager
def _limited_statements() -> Iterator[None]:
    """For one transaction, because a pooler would pass a session's setting to the next user."""
    if connection.vendor != "postgresql":
        yield
        return
    with atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {STATEMENT_MILLISECONDS}")
        yield
