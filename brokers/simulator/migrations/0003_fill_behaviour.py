from django.db import migrations, models


class Migration(migrations.Migration):
    """Names in the code change; columns and tables keep theirs, so no statement touches a table."""

    dependencies = [
        ("simulator", "0002_balances"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name='simorder',
                    name='fate',
                    field=models.CharField(db_column='fate', max_length=10),
                ),
                migrations.RenameField(
                    model_name='simorder',
                    old_name='fate',
                    new_name='fill_behaviour',
                ),
                migrations.AlterField(
                    model_name='simorder',
                    name='fate_code',
                    field=models.CharField(blank=True, db_column='fate_code', max_length=40),
                ),
                migrations.RenameField(
                    model_name='simorder',
                    old_name='fate_code',
                    new_name='fill_error_code',
                ),
                migrations.AlterField(
                    model_name='simorder',
                    name='silent_until',
                    field=models.DateTimeField(db_column='silent_until', null=True),
                ),
                migrations.RenameField(
                    model_name='simorder',
                    old_name='silent_until',
                    new_name='unreported_until',
                ),
                migrations.AlterField(
                    model_name='simorder',
                    name='looked_at',
                    field=models.DateTimeField(db_column='looked_at', null=True),
                ),
                migrations.RenameField(
                    model_name='simorder',
                    old_name='looked_at',
                    new_name='price_checked_at',
                ),
                migrations.AlterField(
                    model_name='simorder',
                    name='said_at',
                    field=models.DateTimeField(db_column='said_at', null=True),
                ),
                migrations.RenameField(
                    model_name='simorder',
                    old_name='said_at',
                    new_name='reported_at',
                ),
            ]
        ),
    ]
