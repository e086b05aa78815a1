from django.db import migrations, models

from gateway.database.migration_operations import AddCheck


class Migration(migrations.Migration):
    """Reads and writes no row, for it locks the table. Sessions from before keep the mode `iframe`; none is shown."""

    dependencies = [
        ("transactions", "0007_batch_request_id"),
    ]

    operations = [
        migrations.AddField(
            model_name="checkoutsession",
            name="code_challenge",
            field=models.CharField(blank=True, db_default="", default="", max_length=43),
        ),
        migrations.AddField(
            model_name="checkoutsession",
            name="login_network",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="checkoutsession",
            name="login_token_digest",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="checkoutsession",
            name="result_digest",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AlterField(
            model_name="checkoutsession",
            name="mode",
            field=models.CharField(
                choices=[("popup", "popup"), ("frame", "frame"), ("redirect", "redirect")], max_length=8
            ),
        ),
        AddCheck(
            model_name="checkoutsession",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("login_network", ""), ("result_digest", "")),
                    ("login_token_digest__isnull", False),
                    _connector="OR",
                ),
                name="no_result_before_the_login",
            ),
        ),
    ]
