import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("brokers", "0003_sessions"),
        ("gateway", "0007_encrypted_columns_and_the_head_signature"),
    ]

    operations = [
        migrations.CreateModel(
            name="BrokerOutage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("broker", models.CharField(max_length=20)),
                ("since", models.DateTimeField()),
                ("wait", models.DurationField()),
                ("probe_at", models.DateTimeField()),
                ("reason", models.CharField(max_length=200)),
                ("gateway", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="gateway.gateway")),
            ],
            options={
                "permissions": [("probe_broker", "Can have an unreachable broker tried now")],
                "default_permissions": ("view",),
                "constraints": [models.UniqueConstraint(fields=("gateway", "broker"), name="one_outage_per_link")],
            },
        ),
    ]
