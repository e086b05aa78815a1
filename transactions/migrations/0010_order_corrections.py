import django.db.models.deletion
from django.db import migrations, models

from gateway.database.migration_operations import rename_rights


class Migration(migrations.Migration):
    """Names in the code change; columns and tables keep theirs, so no statement touches a table."""

    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("tradebook", "0001_tradebooks"),  # its foreign key to the model is renamed with it
        ("transactions", "0009_login_urls_are_unique"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(
                    model_name='checkoutsession',
                    name='no_more_pins_than_allowed',
                ),
                migrations.RemoveConstraint(
                    model_name='settlement',
                    name='nobody_approves_their_own',
                ),
                migrations.RemoveIndex(
                    model_name='settlement',
                    name='settlement_contradicted',
                ),
                migrations.AlterModelTable(
                    name='settlement',
                    table='transactions_settlement',
                ),
                migrations.RenameModel(
                    old_name='Settlement',
                    new_name='OrderCorrection',
                ),
                migrations.AlterField(
                    model_name='transaction',
                    name='sealed_login',
                    field=models.TextField(blank=True, db_column='sealed_login'),
                ),
                migrations.RenameField(
                    model_name='transaction',
                    old_name='sealed_login',
                    new_name='encrypted_login',
                ),
                migrations.AlterField(
                    model_name='order',
                    name='silent_since',
                    field=models.DateTimeField(db_column='silent_since', null=True),
                ),
                migrations.RenameField(
                    model_name='order',
                    old_name='silent_since',
                    new_name='unreported_since',
                ),
                migrations.AlterField(
                    model_name='order',
                    name='words',
                    field=models.JSONField(db_column='words', default=list),
                ),
                migrations.RenameField(
                    model_name='order',
                    old_name='words',
                    new_name='report_log',
                ),
                migrations.AlterField(
                    model_name='order',
                    name='settled_by',
                    field=models.ForeignKey(db_column='settled_by_id', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='transactions.ordercorrection'),
                ),
                migrations.RenameField(
                    model_name='order',
                    old_name='settled_by',
                    new_name='active_correction',
                ),
                migrations.AlterField(
                    model_name='ordercorrection',
                    name='needs_second',
                    field=models.BooleanField(db_column='needs_second'),
                ),
                migrations.RenameField(
                    model_name='ordercorrection',
                    old_name='needs_second',
                    new_name='needs_approval',
                ),
                migrations.AlterField(
                    model_name='ordercorrection',
                    name='word_agrees',
                    field=models.BooleanField(db_column='word_agrees', null=True),
                ),
                migrations.RenameField(
                    model_name='ordercorrection',
                    old_name='word_agrees',
                    new_name='broker_confirms',
                ),
                migrations.AlterField(
                    model_name='ordercorrection',
                    name='word_at',
                    field=models.DateTimeField(db_column='word_at', null=True),
                ),
                migrations.RenameField(
                    model_name='ordercorrection',
                    old_name='word_at',
                    new_name='broker_reported_at',
                ),
                migrations.AlterField(
                    model_name='checkoutsession',
                    name='pins_tried',
                    field=models.PositiveSmallIntegerField(db_column='pins_tried', default=0),
                ),
                migrations.RenameField(
                    model_name='checkoutsession',
                    old_name='pins_tried',
                    new_name='pin_attempts',
                ),
                migrations.AlterField(
                    model_name='checkoutsession',
                    name='shown',
                    field=models.JSONField(db_column='shown', null=True),
                ),
                migrations.RenameField(
                    model_name='checkoutsession',
                    old_name='shown',
                    new_name='quoted_order',
                ),
                migrations.AlterModelOptions(
                    name='order',
                    options={'permissions': [('reconcile_order', "Can correct orders from the broker's tradebook")]},
                ),
                migrations.AlterModelOptions(
                    name='ordercorrection',
                    options={'permissions': [('approve_correction', 'Can approve corrections that another has proposed')]},
                ),
                migrations.AlterField(
                    model_name='ordercorrection',
                    name='order',
                    field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='corrections', to='transactions.order'),
                ),
                migrations.AddIndex(
                    model_name='ordercorrection',
                    index=models.Index(condition=models.Q(('broker_confirms', False), ('state', 'APPLIED')), fields=['id'], name='settlement_contradicted'),
                ),
                migrations.AddConstraint(
                    model_name='checkoutsession',
                    constraint=models.CheckConstraint(condition=models.Q(('pin_attempts__lte', 5)), name='no_more_pins_than_allowed'),
                ),
                migrations.AddConstraint(
                    model_name='ordercorrection',
                    constraint=models.CheckConstraint(condition=models.Q(('needs_approval', False), ('applied_at__isnull', True), models.Q(('decided_by__isnull', False), models.Q(('decided_by', models.F('proposed_by')), _negated=True)), _connector='OR'), name='nobody_approves_their_own'),
                ),
            ]
        ),
        rename_rights(
            "transactions",
            "Settlement",
            "OrderCorrection",
            (
                ("reconcile_order", "Can settle orders from the broker's tradebook"),
                ("reconcile_order", "Can correct orders from the broker's tradebook"),
            ),
            (
                ("approve_settlement", "Can approve settlements that another has proposed"),
                ("approve_correction", "Can approve corrections that another has proposed"),
            ),
        ),
    ]
