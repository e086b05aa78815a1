from django.db import migrations, models


class Migration(migrations.Migration):
    """Names in the code change; columns and tables keep theirs, so no statement touches a table."""

    dependencies = [
        ("gateway", "0006_gateway_names_are_lower_case"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(
                    model_name='idempotentrequest',
                    name='an_answer_comes_with_its_status',
                ),
                migrations.AlterField(
                    model_name='gateway',
                    name='sealed_api_secret',
                    field=models.TextField(db_column='sealed_api_secret'),
                ),
                migrations.RenameField(
                    model_name='gateway',
                    old_name='sealed_api_secret',
                    new_name='encrypted_api_secret',
                ),
                migrations.AlterField(
                    model_name='gateway',
                    name='sealed_previous_api_secret',
                    field=models.TextField(blank=True, db_column='sealed_previous_api_secret', null=True),
                ),
                migrations.RenameField(
                    model_name='gateway',
                    old_name='sealed_previous_api_secret',
                    new_name='encrypted_previous_api_secret',
                ),
                migrations.AlterField(
                    model_name='gateway',
                    name='sealed_jwt_secret',
                    field=models.TextField(db_column='sealed_jwt_secret'),
                ),
                migrations.RenameField(
                    model_name='gateway',
                    old_name='sealed_jwt_secret',
                    new_name='encrypted_jwt_secret',
                ),
                migrations.AlterField(
                    model_name='gateway',
                    name='sealed_previous_jwt_secret',
                    field=models.TextField(blank=True, db_column='sealed_previous_jwt_secret', null=True),
                ),
                migrations.RenameField(
                    model_name='gateway',
                    old_name='sealed_previous_jwt_secret',
                    new_name='encrypted_previous_jwt_secret',
                ),
                migrations.AlterField(
                    model_name='idempotentrequest',
                    name='sealed_answer',
                    field=models.TextField(blank=True, db_column='sealed_answer'),
                ),
                migrations.RenameField(
                    model_name='idempotentrequest',
                    old_name='sealed_answer',
                    new_name='encrypted_response',
                ),
                migrations.AlterField(
                    model_name='authenticatorapp',
                    name='sealed_key',
                    field=models.TextField(db_column='sealed_key'),
                ),
                migrations.RenameField(
                    model_name='authenticatorapp',
                    old_name='sealed_key',
                    new_name='encrypted_key',
                ),
                migrations.AlterField(
                    model_name='audithead',
                    name='seal',
                    field=models.CharField(blank=True, db_column='seal', max_length=64),
                ),
                migrations.RenameField(
                    model_name='audithead',
                    old_name='seal',
                    new_name='signature',
                ),
                migrations.AddConstraint(
                    model_name='idempotentrequest',
                    constraint=models.CheckConstraint(condition=models.Q(models.Q(('status_code__isnull', True), ('encrypted_response', '')), models.Q(('status_code__isnull', False), models.Q(('encrypted_response', ''), _negated=True)), _connector='OR'), name='an_answer_comes_with_its_status'),
                ),
            ]
        ),
    ]
