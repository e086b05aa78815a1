"""The database as an older release left it."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps


@contextmanager
def as_of(app: str, migration: str) -> Iterator[StateApps]:
    """The models as of a migration, whose tables are there; at the end the database is up to date again."""
    try:
        yield migrate(app, migration)
    finally:
        migrate()


def migrate(app: str = "", migration: str = "") -> StateApps:
    """To the last migrations, unless one is named."""
    executor = MigrationExecutor(connection)
    targets = [(app, migration)] if app else executor.loader.graph.leaf_nodes()
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps
