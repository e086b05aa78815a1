"""Indexes and checks for a table that is large and in use, and the permissions of a renamed model.

PostgreSQL adds a check without reading the rows (AddCheck), and reads them while writers continue (ValidateCheck),
which needs a transaction of its own. Both can be run again.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import AddConstraint, AddIndex, RunPython
from django.db.migrations.state import StateApps
from django.utils.text import camel_case_to_spaces


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


Right = tuple[str, str]  # a permission's codename and name


def rename_rights(label: str, old: str, new: str, *permissions: tuple[Right, Right]) -> RunPython:
    """Carries the content type and the permissions of a renamed model, with all that refers to them.

    Groups, users and entries of the admin's log refer to rows, and the rows are kept. `permissions`: the app's own
    that change, as they were and as they are. Twice is once, and an empty database has nothing to carry.
    """
    forwards = (*zip(_default_rights(old), _default_rights(new), strict=True), *permissions)
    backwards = tuple((after, before) for before, after in forwards)
    return RunPython(
        partial(_carry, label=label, old=old.lower(), new=new.lower(), rights=forwards),
        partial(_carry, label=label, old=new.lower(), new=old.lower(), rights=backwards),
    )


def _default_rights(model: str) -> list[Right]:
    spelt = camel_case_to_spaces(model)
    return [(f"{verb}_{model.lower()}", f"Can {verb} {spelt}") for verb in ("add", "change", "delete", "view")]


def _carry(
    apps: StateApps,
    schema_editor: BaseDatabaseSchemaEditor,
    *,
    label: str,
    old: str,
    new: str,
    rights: Sequence[tuple[Right, Right]],
) -> None:
    """Where a release of before has migrated meanwhile, both content types are there: the new one gives way."""
    using = schema_editor.connection.alias
    types = apps.get_model("contenttypes", "ContentType")._base_manager.using(using).filter(app_label=label)
    held = apps.get_model("auth", "Permission")._base_manager.using(using).filter(content_type__app_label=label)
    if types.filter(model=old).exists():
        types.filter(model=new).delete()
        types.filter(model=old).update(model=new)
    for (codename, _), (renamed, name) in rights:
        if codename != renamed and held.filter(codename=codename).exists():
            held.filter(codename=renamed).delete()
        held.filter(codename=codename).update(codename=renamed, name=name)
