import django.db.models.deletion
from django.db import migrations, models

from gateway.database.migration_operations import rename_rights


class Migration(migrations.Migration):
    """Names in the code change; columns and tables keep theirs, so no statement touches a table."""

    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("smallcases", "0003_drafts"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelTable(
                    name='announcement',
                    table='smallcases_announcement',
                ),
                migrations.RenameModel(
                    old_name='Announcement',
                    new_name='RebalanceNotice',
                ),
                migrations.AlterField(
                    model_name='investment',
                    name='deviated',
                    field=models.BooleanField(db_column='deviated', default=False),
                ),
                migrations.RenameField(
                    model_name='investment',
                    old_name='deviated',
                    new_name='is_customised',
                ),
                migrations.AlterField(
                    model_name='rebalancenotice',
                    name='told_up_to',
                    field=models.PositiveBigIntegerField(db_column='told_up_to', default=0),
                ),
                migrations.RenameField(
                    model_name='rebalancenotice',
                    old_name='told_up_to',
                    new_name='notified_up_to',
                ),
                migrations.AlterField(
                    model_name='rebalancenotice',
                    name='told',
                    field=models.PositiveIntegerField(db_column='told', default=0),
                ),
                migrations.RenameField(
                    model_name='rebalancenotice',
                    old_name='told',
                    new_name='notified',
                ),
                migrations.AlterField(
                    model_name='rebalancenotice',
                    name='version',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='smallcases.version'),
                ),
            ]
        ),
        migrations.RenameIndex(
            model_name='rebalancenotice',
            new_name='rebalancenotice_due',
            old_name='announcement_due',
        ),
        migrations.RenameIndex(
            model_name='rebalancenotice',
            new_name='rebalancenotice_gateway_due',
            old_name='announcement_gateway_due',
        ),
        rename_rights("smallcases", "Announcement", "RebalanceNotice"),
    ]
