from django.db import migrations, models


class Migration(migrations.Migration):
    """The column alone: null is right for rows of the last release's processes."""

    dependencies = [
        ("smallcases", "0004_rebalance_notices"),
    ]

    operations = [
        migrations.AddField(model_name="investment", name="target", field=models.JSONField(null=True)),
    ]
