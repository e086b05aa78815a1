from django.db import migrations, models


class Migration(migrations.Migration):
    """Reads and writes no row: each new column has a default, and the check comes with the next migration."""

    dependencies = [
        ("transactions", "0013_due_batches_by_link"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="batch", name="an_open_batch_is_looked_after"),
        migrations.AddField(model_name="batch", name="session_ended_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="batch", name="unreachable_since", field=models.DateTimeField(null=True)),
        migrations.AddField(
            model_name="order", name="broker_order_id", field=models.CharField(max_length=40, null=True)
        ),
        migrations.AddField(model_name="order", name="sent_at", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="transaction", name="logged_in_at", field=models.DateTimeField(null=True)),
        migrations.AlterField(
            model_name="transaction",
            name="encrypted_login",
            field=models.TextField(blank=True, db_column="sealed_login", db_default="", default=""),
        ),
    ]
