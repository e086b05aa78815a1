from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("transactions", "0006_rare_statuses"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="request_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
    ]
