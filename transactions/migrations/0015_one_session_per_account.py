from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F, Max, Q
from django.utils import timezone

from gateway.database.migration_operations import AddCheck, BuildIndex, ValidateCheck

ROWS = 10_000  # of one statement
ASKED_ONCE_MORE = timedelta(days=1)
OPEN = models.Q(
    models.Q(("status__in", ["QUEUED", "PLACED", "PARTIALLYPLACED"]), _negated=True),
    ("due_at__isnull", False),
    ("session_ended_at__isnull", False),
    _connector="OR",
)


def fill(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Twice is safe: each statement selects the rows that still need it."""
    transactions = apps.get_model("transactions", "Transaction")._base_manager
    batches = apps.get_model("transactions", "Batch")._base_manager
    for part in _parts(transactions.exclude(encrypted_login="").filter(logged_in_at=None)):
        part.update(logged_in_at=F("updated_at"))
    lost = Q(status="ERROR", placed_at__gte=timezone.now() - ASKED_ONCE_MORE)
    batches.filter(lost & (Q(due_at=None) | Q(due_at__gt=timezone.now()))).update(due_at=timezone.now())
    open_ones = Q(status__in=["USED", "PROCESSING"]) | Q(batch__due_at__isnull=False)
    logins = transactions.filter(open_ones, account__isnull=False).exclude(encrypted_login="")
    newest = logins.order_by().values("account").annotate(newest=Max("pk")).values("newest")
    _start(apps, transactions.filter(pk__in=newest))


def _start(apps: StateApps, logins: Any) -> None:
    sessions = apps.get_model("brokers", "BrokerSession")
    known = sessions._base_manager.filter(ended_at=None).values("account")
    sessions._base_manager.bulk_create(
        (
            sessions(account_id=one.account_id, encrypted_token=one.encrypted_login, started_at=one.logged_in_at)
            for one in logins.exclude(account__in=known).iterator(ROWS)
        ),
        batch_size=ROWS,
        ignore_conflicts=True,  # this release has run already, and the user has logged in
    )


def _parts(rows: Any) -> Iterator[Any]:
    last = rows.aggregate(last=Max("pk"))["last"] or 0
    for first in range(0, last + 1, ROWS):
        yield rows.filter(pk__gte=first, pk__lt=first + ROWS)


class Migration(migrations.Migration):
    """Everybody goes on writing. It may be interrupted, and run again. Tokens are copied as they are, encrypted."""

    atomic = False

    dependencies = [
        ("brokers", "0003_sessions"),
        ("transactions", "0014_sessions_and_sent_orders"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
        BuildIndex(
            model_name="batch",
            index=models.Index(
                condition=models.Q(("session_ended_at__isnull", False)),
                fields=["account"],
                name="batch_waits_for_a_login",
            ),
        ),
        AddCheck(
            model_name="batch",
            constraint=models.CheckConstraint(condition=OPEN, name="an_open_batch_is_polled_or_waits_for_a_login"),
        ),
        ValidateCheck(model_name="batch", name="an_open_batch_is_polled_or_waits_for_a_login"),
    ]
