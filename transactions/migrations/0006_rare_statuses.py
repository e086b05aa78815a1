from django.db import migrations, models

from gateway.database.migration_operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('transactions', '0005_settlements'),
    ]

    operations = [
        BuildIndex(
            model_name='batch',
            index=models.Index(condition=models.Q(('status__in', ['ERROR', 'PARTIALLYFILLED', 'UNFILLED', 'UNPLACED', 'CANCELLED', 'MARKEDCOMPLETE'])), fields=['status', '-id'], name='batch_rare_status'),
        ),
        BuildIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('status__in', ['ERROR', 'UNPLACED', 'PARTIAL', 'REJECTED', 'CANCELLED', 'CANCELLED AMO'])), fields=['status', '-id'], name='order_rare_status'),
        ),
    ]
