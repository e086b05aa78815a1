from django.db import migrations, models

from gateway.database.migration_operations import BuildUnique, ValidateCheck


class Migration(migrations.Migration):
    """Everybody goes on writing. It may be interrupted, and run again."""

    atomic = False

    dependencies = [
        ("transactions", "0008_sessions_belong_to_a_browser"),
    ]

    operations = [
        BuildUnique(
            model_name="checkoutsession",
            constraint=models.UniqueConstraint(
                condition=models.Q(("login_token_digest__isnull", False)),
                fields=("login_token_digest",),
                name="one_checkout_per_login_url",
            ),
        ),
        ValidateCheck(model_name="checkoutsession", name="no_result_before_the_login"),
    ]
