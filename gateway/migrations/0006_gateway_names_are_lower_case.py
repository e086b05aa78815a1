from django.db import migrations, models
from django.db.models.functions import Lower


def lower(apps, schema_editor):
    """Names were always created in lower case; one that was written by hand may not be.

    Raises ValueError, before anything is written, for names that differ only in case.
    """
    gateways = apps.get_model("gateway", "Gateway").objects.using(schema_editor.connection.alias)
    names = sorted(gateways.values_list("name", flat=True))
    lowered = [name.lower() for name in names]
    if twins := [name for name in names if lowered.count(name.lower()) > 1]:
        raise ValueError(f"Gateway names must differ in more than case. Rename, then migrate again: {', '.join(twins)}.")
    gateways.exclude(name=Lower("name")).update(name=Lower("name"))


class Migration(migrations.Migration):

    dependencies = [
        ("gateway", "0005_console_permissions"),
    ]

    operations = [
        migrations.RunPython(lower, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="gateway",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", Lower("name"))), name="gateway_names_are_lower_case"
            ),
        ),
    ]
