from django.db import migrations, models


class Migration(migrations.Migration):
    """Names in the code change; columns and tables keep theirs, so no statement touches a table."""

    dependencies = [
        ("webhooks", "0005_events_by_request_id"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(
                    model_name='endpoint',
                    name='disabled_at_a_time_for_a_reason',
                ),
                migrations.AlterField(
                    model_name='endpoint',
                    name='sealed_secret',
                    field=models.TextField(db_column='sealed_secret'),
                ),
                migrations.RenameField(
                    model_name='endpoint',
                    old_name='sealed_secret',
                    new_name='encrypted_secret',
                ),
                migrations.AlterField(
                    model_name='endpoint',
                    name='sealed_previous_secret',
                    field=models.TextField(blank=True, db_column='sealed_previous_secret', null=True),
                ),
                migrations.RenameField(
                    model_name='endpoint',
                    old_name='sealed_previous_secret',
                    new_name='encrypted_previous_secret',
                ),
                migrations.AlterField(
                    model_name='endpoint',
                    name='disabled_because',
                    field=models.CharField(blank=True, db_column='disabled_because', max_length=100),
                ),
                migrations.RenameField(
                    model_name='endpoint',
                    old_name='disabled_because',
                    new_name='disabled_reason',
                ),
                migrations.AlterField(
                    model_name='delivery',
                    name='settled_at',
                    field=models.DateTimeField(blank=True, db_column='settled_at', null=True),
                ),
                migrations.RenameField(
                    model_name='delivery',
                    old_name='settled_at',
                    new_name='finished_at',
                ),
                migrations.AddConstraint(
                    model_name='endpoint',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('disabled_at__isnull', True), ('disabled_reason', ''), ('is_enabled', True)), models.Q(('disabled_at__isnull', False), ('is_enabled', False), models.Q(('disabled_reason', ''), _negated=True)), _connector='OR'), name='disabled_at_a_time_for_a_reason'),
                ),
            ]
        ),
    ]
