from django.db import migrations, models

# A holiday takes its whole day, so that it overlaps every session.
POSTGRESQL = """
    ALTER TABLE brokers_marketday ADD CONSTRAINT sessions_of_a_day_do_not_overlap EXCLUDE USING gist (
        tsrange(day + coalesce(opens, time '00:00'), coalesce(day + closes, (day + 1)::timestamp)) WITH &&
    )
"""
SQLITE = """
    CREATE TRIGGER sessions_of_a_day_do_not_overlap_on_{name} BEFORE {event} ON brokers_marketday
    WHEN EXISTS (
        SELECT 1 FROM brokers_marketday other WHERE other.day = NEW.day AND other.id IS NOT NEW.id
        AND (other.opens IS NULL OR NEW.opens IS NULL OR (other.opens < NEW.closes AND NEW.opens < other.closes))
    )
    BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: sessions_of_a_day_do_not_overlap'); END
"""
EVENTS = ("insert", "update")


def make_whole(apps, schema_editor):
    """A row with one time counted as a holiday. The old constraint allowed it, because a comparison with NULL passes."""
    days = apps.get_model("brokers", "MarketDay").objects
    days.filter(opens=None).exclude(closes=None).update(closes=None)
    days.filter(closes=None).exclude(opens=None).update(opens=None)


def put_up(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL, params=None)
        return
    for event in EVENTS:
        schema_editor.execute(SQLITE.replace("{name}", event).replace("{event}", event.upper()), params=None)


def take_down(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE brokers_marketday DROP CONSTRAINT sessions_of_a_day_do_not_overlap")
    else:
        for event in EVENTS:
            schema_editor.execute(f"DROP TRIGGER sessions_of_a_day_do_not_overlap_on_{event}")


class Migration(migrations.Migration):
    dependencies = [("brokers", "0005_series_and_price_bands")]

    operations = [
        migrations.AddField(
            model_name="instrument", name="priced_on", field=models.DateField(blank=True, null=True)
        ),
        migrations.RunPython(make_whole, migrations.RunPython.noop),
        migrations.AlterModelOptions(name="marketday", options={"ordering": ["-day", "opens"]}),
        migrations.RemoveConstraint(model_name="marketday", name="both_times_or_none"),
        migrations.AlterField(model_name="marketday", name="day", field=models.DateField(db_index=True)),
        migrations.AddConstraint(
            model_name="marketday",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closes__isnull", True), ("opens__isnull", True)),
                    models.Q(("closes__isnull", False), ("opens__isnull", False), ("opens__lt", models.F("closes"))),
                    _connector="OR",
                ),
                name="both_times_or_none",
            ),
        ),
        migrations.RunPython(put_up, take_down),
    ]
