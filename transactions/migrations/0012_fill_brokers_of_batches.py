from typing import Any

from django.db import migrations
from django.db.models import Max, OuterRef, Subquery

AT_ONCE = 10_000


def fill(apps: Any, schema_editor: Any) -> None:
    """In many short transactions, so that no worker waits. Twice is once: only empty brokers are filled."""
    using = schema_editor.connection.alias
    batches = apps.get_model("transactions", "Batch")._base_manager.using(using)
    accounts = apps.get_model("gateway", "Account")._base_manager.using(using)
    broker = accounts.filter(pk=OuterRef("account_id")).values("broker")
    newest = batches.aggregate(newest=Max("pk"))["newest"] or 0
    for first in range(0, newest + 1, AT_ONCE):
        batches.filter(pk__gte=first, pk__lt=first + AT_ONCE, broker="").update(broker=Subquery(broker))


class Migration(migrations.Migration):
    """Before the indexes are built, which then need not follow each update."""

    atomic = False

    dependencies = [
        ("gateway", "0007_encrypted_columns_and_the_head_signature"),
        ("transactions", "0011_batches_know_their_broker"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
