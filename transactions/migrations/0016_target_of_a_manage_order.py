from django.db import migrations, models


class Migration(migrations.Migration):
    """The column alone: null is right for rows of the last release's processes."""

    dependencies = [
        ("transactions", "0015_one_session_per_account"),
    ]

    operations = [
        migrations.AddField(model_name="batch", name="target", field=models.JSONField(null=True)),
    ]
