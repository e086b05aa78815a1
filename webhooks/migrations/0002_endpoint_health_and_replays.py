import django.db.models.deletion
from django.db import migrations, models


def name_the_owners(apps, schema_editor):
    """Whose an event is stood in its payload only."""
    events = apps.get_model("webhooks", "Event").objects.filter(transaction_id="", auth_id="")
    for event in events.only("pk", "payload").iterator(chunk_size=500):
        owner = {
            "transaction_id": event.payload.get("transactionId") or "",
            "auth_id": event.payload.get("smallcaseAuthId") or "",
        }
        events.filter(pk=event.pk).update(**owner)


class Migration(migrations.Migration):

    dependencies = [
        ('gateway', '0001_initial'),
        ('webhooks', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Replay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('leased_until', models.DateTimeField()),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('key', models.CharField(max_length=40, unique=True)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(null=True)),
                ('type', models.CharField(blank=True, default='', max_length=24)),
                ('auth_id', models.CharField(blank=True, default='', max_length=24)),
                ('only_missed', models.BooleanField(default=False)),
                ('replayed_up_to', models.BigIntegerField(default=0)),
                ('last_event', models.BigIntegerField()),
                ('replayed', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.RemoveIndex(
            model_name='delivery',
            name='delivery_due',
        ),
        migrations.RemoveIndex(
            model_name='delivery',
            name='delivery_gateway_due',
        ),
        migrations.AddField(
            model_name='delivery',
            name='is_bulk',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='disabled_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='disabled_because',
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='failing_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='failures',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='event',
            name='auth_id',
            field=models.CharField(blank=True, default='', max_length=24),
        ),
        migrations.AddField(
            model_name='event',
            name='request_id',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='event',
            name='transaction_id',
            field=models.CharField(blank=True, default='', max_length=36),
        ),
        migrations.RunPython(name_the_owners, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(models.F('is_bulk'), models.F('due_at'), condition=models.Q(('due_at__isnull', False)), name='delivery_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(models.F('gateway'), models.F('is_bulk'), models.F('due_at'), condition=models.Q(('due_at__isnull', False)), name='delivery_gateway_due'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(models.F('auth_id'), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('auth_id', ''), _negated=True), name='event_user_newest'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(models.F('transaction_id'), condition=models.Q(('transaction_id', ''), _negated=True), name='event_transaction'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['gateway', 'created_at'], name='event_gateway_since'),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('failing_since__isnull', True), ('failures', 0)), models.Q(('failing_since__isnull', False), ('failures__gt', 0)), _connector='OR'), name='failing_since_the_first_failure'),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('disabled_at__isnull', True), ('disabled_because', ''), ('is_enabled', True)), models.Q(('disabled_at__isnull', False), ('is_enabled', False), models.Q(('disabled_because', ''), _negated=True)), _connector='OR'), name='disabled_at_a_time_for_a_reason'),
        ),
        migrations.AddField(
            model_name='replay',
            name='endpoint',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='replays', to='webhooks.endpoint'),
        ),
        migrations.AddField(
            model_name='replay',
            name='gateway',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='gateway.gateway'),
        ),
        migrations.AddIndex(
            model_name='replay',
            index=models.Index(models.F('due_at'), condition=models.Q(('due_at__isnull', False)), name='replay_due'),
        ),
        migrations.AddIndex(
            model_name='replay',
            index=models.Index(models.F('gateway'), models.F('due_at'), condition=models.Q(('due_at__isnull', False)), name='replay_gateway_due'),
        ),
    ]
