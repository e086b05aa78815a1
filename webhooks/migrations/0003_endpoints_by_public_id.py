from django.db import migrations, models

import gateway.values.ids


def name_each(apps, schema_editor):
    """A default fills every row with the same value; each needs its own."""
    endpoints = apps.get_model("webhooks", "Endpoint").objects
    for pk in endpoints.values_list("pk", flat=True):
        endpoints.filter(pk=pk).update(public_id=gateway.values.ids.new_object_id())


class Migration(migrations.Migration):

    dependencies = [
        ('webhooks', '0002_endpoint_health_and_replays'),
    ]

    operations = [
        migrations.AddField(
            model_name='endpoint',
            name='public_id',
            field=models.CharField(default=gateway.values.ids.new_object_id, max_length=24),
        ),
        migrations.RunPython(name_each, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name='endpoint',
            name='public_id',
            field=models.CharField(default=gateway.values.ids.new_object_id, max_length=24, unique=True),
        ),
        migrations.AlterField(
            model_name='replay',
            name='last_event',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(models.F('gateway'), models.OrderBy(models.F('event'), descending=True), condition=models.Q(('status', 'GIVEN_UP')), name='delivery_lost'),
        ),
    ]
