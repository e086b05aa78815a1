"""Indexes and checks for a table that is large and in use.

PostgreSQL adds a check without reading the rows (AddCheck), and reads them while writers continue (ValidateCheck),
which needs a transaction of its own. Both can be run again.
"""

from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddConstraint, AddIndex


class BuildIndex(AddIndexConcurrently):
    """Builds an index while writers continue (PostgreSQL). SQLite cannot, and has no tables that need it.

    The migration must not be atomic. An interrupted build leaves an invalid index with the same name, which is dropped
    first, so that the migration can be run again.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.index.name)}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)
            return
        super().database_backwards(app_label, schema_editor, from_state, to_state)


class BuildUnique(AddConstraint):
    """Like BuildIndex, for a unique constraint with a condition, which is stored as an index."""

    atomic = False

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.constraint.name)}")
        sql = str(self.constraint.create_sql(to_state.apps.get_model(app_label, self.model_name), schema_editor))
        schema_editor.execute(sql.replace(" INDEX ", " INDEX CONCURRENTLY ", 1), params=None)


class AddCheck(AddConstraintNotValid):
    """A check that applies to new and changed rows only, until ValidateCheck."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        postgresql = schema_editor.connection.vendor == "postgresql"
        add = super().database_forwards if postgresql else super(AddConstraintNotValid, self).database_forwards
        add(app_label, schema_editor, from_state, to_state)


class ValidateCheck(ValidateConstraint):
    """Validates the check for all rows. SQLite did so when the check was added."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
