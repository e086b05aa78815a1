"""The audit trail, and what keeps its entries as they were written: triggers, on PostgreSQL and on SQLite."""

from django.db import migrations, models

POSTGRESQL = [
    """
    CREATE FUNCTION gateway_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'The audit trail is append-only: % of % is refused.', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON gateway_auditentry
        FOR EACH STATEMENT EXECUTE FUNCTION gateway_audit_is_append_only()
    """,
    """
    CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON gateway_audithead
        FOR EACH STATEMENT EXECUTE FUNCTION gateway_audit_is_append_only()
    """,
    """
    CREATE TRIGGER audit_head_goes_forward BEFORE UPDATE ON gateway_audithead
        FOR EACH ROW WHEN (NEW.number <> OLD.number + 1) EXECUTE FUNCTION gateway_audit_is_append_only()
    """,
]
POSTGRESQL_AWAY = [
    "DROP TRIGGER audit_head_goes_forward ON gateway_audithead",
    "DROP TRIGGER audit_head_stays ON gateway_audithead",
    "DROP TRIGGER audit_entries_stay ON gateway_auditentry",
    "DROP FUNCTION gateway_audit_is_append_only()",
]
SQLITE = [
    f"""
    CREATE TRIGGER {name} BEFORE {event}
    BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only.'); END
    """
    for name, event in {
        "audit_entries_are_not_changed": "UPDATE ON gateway_auditentry",
        "audit_entries_are_not_deleted": "DELETE ON gateway_auditentry",
        # INSERT OR REPLACE deletes without a word to the trigger above.
        "audit_entries_are_not_replaced": """INSERT ON gateway_auditentry
            WHEN EXISTS (SELECT 1 FROM gateway_auditentry
                         WHERE number = NEW.number OR previous = NEW.previous)""",
        "audit_head_is_not_deleted": "DELETE ON gateway_audithead",
        "audit_head_goes_forward": "UPDATE ON gateway_audithead WHEN NEW.number <> OLD.number + 1",
    }.items()
]
SQLITE_AWAY = [
    f"DROP TRIGGER {name}"
    for name in (
        "audit_entries_are_not_changed",
        "audit_entries_are_not_deleted",
        "audit_entries_are_not_replaced",
        "audit_head_is_not_deleted",
        "audit_head_goes_forward",
    )
]


def put_up(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement, params=None)


def take_down(apps, schema_editor):
    for statement in POSTGRESQL_AWAY if schema_editor.connection.vendor == "postgresql" else SQLITE_AWAY:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('gateway', '0002_idempotent_requests'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('by_id', models.BigIntegerField(blank=True, null=True)),
                ('by_name', models.CharField(blank=True, max_length=150)),
                ('act', models.CharField(max_length=100)),
                ('subject', models.CharField(max_length=200)),
                ('before', models.TextField()),
                ('after', models.TextField()),
                ('reason', models.TextField(blank=True)),
                ('address', models.CharField(blank=True, max_length=64)),
                ('previous', models.CharField(blank=True, max_length=64)),
                ('digest', models.CharField(max_length=64)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['at'], name='audit_at'), models.Index(fields=['by_name', 'number'], name='audit_by_name'), models.Index(fields=['act', 'number'], name='audit_act'), models.Index(fields=['subject', 'number'], name='audit_subject'), models.Index(fields=['address', 'number'], name='audit_address')],
                'constraints': [models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='audit_entries_count_from_one'), models.UniqueConstraint(fields=('previous',), name='the_audit_chain_never_forks')],
            },
        ),
        migrations.CreateModel(
            name='AuditHead',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.BigIntegerField(default=0)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('seal', models.CharField(blank=True, max_length=64)),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='the_audit_trail_has_one_head')],
            },
        ),
        migrations.RunPython(put_up, take_down),
    ]
