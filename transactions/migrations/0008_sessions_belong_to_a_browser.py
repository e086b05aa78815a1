from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def rename_mode(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Sessions from before have no code challenge, so their links lead nowhere; the column must still be readable."""
    apps.get_model("transactions", "CheckoutSession").objects.filter(mode="iframe").update(mode="frame")


class Migration(migrations.Migration):
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
            field=models.CharField(max_length=64, null=True, unique=True),
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
        migrations.AddConstraint(
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
        migrations.RunPython(rename_mode, migrations.RunPython.noop),
    ]
