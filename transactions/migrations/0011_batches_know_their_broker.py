from django.db import migrations, models


class Migration(migrations.Migration):
    """The column alone: with a default in the database, rows of the last release's processes can still be inserted."""

    dependencies = [
        ("transactions", "0010_order_corrections"),
    ]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="broker",
            field=models.CharField(db_default="", default="", max_length=20),
        ),
    ]
