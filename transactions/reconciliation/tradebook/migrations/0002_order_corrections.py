import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Names in the code change; columns and tables keep theirs, so no statement touches a table."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("transactions", "0010_order_corrections"),
        ("tradebook", "0001_tradebooks"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(
                    model_name='bookrow',
                    name='taken_rows_have_their_settlement',
                ),
                migrations.RemoveConstraint(
                    model_name='bookrow',
                    name='somebody_wanted_what_is_applied',
                ),
                migrations.AlterField(
                    model_name='bookrow',
                    name='wanted_by',
                    field=models.ForeignKey(db_column='wanted_by_id', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
                ),
                migrations.RenameField(
                    model_name='bookrow',
                    old_name='wanted_by',
                    new_name='requested_by',
                ),
                migrations.AlterField(
                    model_name='bookrow',
                    name='seen',
                    field=models.JSONField(db_column='seen', null=True),
                ),
                migrations.RenameField(
                    model_name='bookrow',
                    old_name='seen',
                    new_name='order_snapshot',
                ),
                migrations.AlterField(
                    model_name='bookrow',
                    name='settlement',
                    field=models.OneToOneField(db_column='settlement_id', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='book_row', to='transactions.ordercorrection'),
                ),
                migrations.RenameField(
                    model_name='bookrow',
                    old_name='settlement',
                    new_name='correction',
                ),
                migrations.AddConstraint(
                    model_name='bookrow',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('correction__isnull', False), ('state', 'TAKEN')), models.Q(models.Q(('state', 'TAKEN'), _negated=True), ('correction__isnull', True)), _connector='OR'), name='taken_rows_have_their_settlement'),
                ),
                migrations.AddConstraint(
                    model_name='bookrow',
                    constraint=models.CheckConstraint(condition=models.Q(('state', 'WAITING'), models.Q(('can_be_applied', True), ('order__isnull', False), ('requested_by__isnull', False)), _connector='OR'), name='somebody_wanted_what_is_applied'),
                ),
            ]
        ),
    ]
