from django.db import migrations, models

TYPES = [
    "order.placed",
    "order.completed",
    "order.updated",
    "holdings.imported",
    "action.pending",
    "transaction.errored",
    "broker.session_ended",
]


class Migration(migrations.Migration):
    """A new event type: no statement touches the table on PostgreSQL."""

    dependencies = [
        ("webhooks", "0006_encrypted_secrets_and_finished_deliveries"),
    ]

    operations = [
        migrations.AlterField(
            model_name="event",
            name="type",
            field=models.CharField(choices=[(one, one) for one in TYPES], max_length=24),
        ),
    ]
