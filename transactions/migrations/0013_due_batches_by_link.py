from django.db import migrations, models
from django.db.models import Q

from gateway.database.migration_operations import BuildIndex


class Migration(migrations.Migration):
    """Due batches are found by their link, the gateway and the broker; the index by the gateway alone has no readers."""

    atomic = False

    dependencies = [
        ("transactions", "0012_fill_brokers_of_batches"),
    ]

    operations = [
        BuildIndex(
            "batch",
            models.Index(
                condition=Q(due_at__isnull=False, status="QUEUED"),
                fields=["gateway", "broker", "due_at"],
                name="batch_link_queued",
            ),
        ),
        BuildIndex(
            "batch",
            models.Index(
                condition=~Q(status="QUEUED") & Q(due_at__isnull=False),
                fields=["gateway", "broker", "due_at"],
                name="batch_link_polled",
            ),
        ),
        migrations.RemoveIndex("batch", "batch_gateway_due"),
    ]
