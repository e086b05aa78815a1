import django.db.models.deletion
from django.db import migrations, models

from gateway.database.migration_operations import rename_rights


class Migration(migrations.Migration):
    """Names in the code change; columns and tables keep theirs, so no statement touches a table."""

    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("brokers", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelTable(
                    name='pricepin',
                    table='brokers_pricepin',
                ),
                migrations.RenameModel(
                    old_name='PricePin',
                    new_name='PriceOverride',
                ),
                migrations.AlterField(
                    model_name='priceoverride',
                    name='pinned_at',
                    field=models.DateTimeField(db_column='pinned_at'),
                ),
                migrations.RenameField(
                    model_name='priceoverride',
                    old_name='pinned_at',
                    new_name='set_at',
                ),
                migrations.AlterField(
                    model_name='priceoverride',
                    name='instrument',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='price_overrides', to='brokers.instrument'),
                ),
            ]
        ),
        rename_rights("brokers", "PricePin", "PriceOverride"),
    ]
