"""Indexes of large tables are built while the tables are in use, and a build that died starts again."""

from typing import Final

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ModelState, ProjectState

from gateway.database.migration_operations import BuildIndex

SLIPS: Final = ModelState(
    "gateway", "Slip", [("id", models.BigAutoField(primary_key=True)), ("word", models.CharField(max_length=9))]
)
BUILD: Final = BuildIndex("slip", models.Index(fields=["word"], name="slip_word"))


@pytest.fixture
def before(transactional_db: None) -> ProjectState:
    """A table that no migration of ours knows, without the index."""
    state = ProjectState()
    state.add_model(SLIPS.clone())
    with connection.schema_editor() as editor:
        editor.create_model(state.apps.get_model("gateway", "Slip"))
    return state


@pytest.fixture(autouse=True)
def _cleared(before: ProjectState) -> object:
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(before.apps.get_model("gateway", "Slip"))


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "gateway_slip")
    return {name for name, one in found.items() if one["index"] and not one["primary_key"]}


class Migration(migrations.Migration):
    atomic = False
    operations = (BUILD,)


MIGRATION: Final = Migration("building", "gateway")


class TestBuilding:
    def test_makes_the_index_and_takes_it_back(self, before: ProjectState) -> None:
        with connection.schema_editor(atomic=False) as editor:
            MIGRATION.apply(before.clone(), editor)
        assert indexes() == {"slip_word"}

        with connection.schema_editor(atomic=False) as editor:
            MIGRATION.unapply(before.clone(), editor)
        assert indexes() == set()

    @pytest.mark.servers
    def test_begins_anew_where_it_was_interrupted(self, before: ProjectState) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX slip_word ON gateway_slip (id)")
            cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'slip_word'::regclass")

        with connection.schema_editor(atomic=False) as editor:
            MIGRATION.apply(before.clone(), editor)

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indisvalid, pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid = 'slip_word'::regclass"
            )
            (is_valid, definition) = cursor.fetchone()
        assert is_valid
        assert "(word)" in definition
