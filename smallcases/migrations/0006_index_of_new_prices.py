from django.db import migrations


def forget(apps, schema_editor):
    """The simulated prices have changed, of past days too. The next `index_smallcases` computes the index anew."""
    apps.get_model("smallcases", "IndexValue").objects.all().delete()
    apps.get_model("smallcases", "Performance").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("smallcases", "0005_own_target_of_an_investment")]

    operations = [migrations.RunPython(forget, migrations.RunPython.noop)]
