from django.db import migrations, models

from gateway.database.migration_operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('webhooks', '0004_console_permissions'),
    ]

    operations = [
        BuildIndex(
            model_name='event',
            index=models.Index(models.F('request_id'), condition=models.Q(('request_id', ''), _negated=True), name='event_request'),
        ),
    ]
