from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Q

# ETFs that pay no STT, by name, as brokers/market/charges/classification.py had it when this migration was written.
WITHOUT_STT = (
    r"(^|[^a-z])(gold|silver|liquid|gilt|g-?sec|sdl|bonds?|overnight|money market|1d rate|t-?bill|nasdaq|s&p 500|nyse"
    r"|fang|hang seng|hangseng|msci|us|world|global|china|japan|taiwan)([^a-z]|$)"
)


def classify(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    funds = apps.get_model("brokers", "Instrument").objects.filter(kind="ETF")
    funds.filter(name__iregex=WITHOUT_STT).update(charge_class="OTHER_ETF")
    funds.filter(~Q(charge_class="OTHER_ETF")).update(charge_class="EQUITY_ETF")


class Migration(migrations.Migration):

    dependencies = [("brokers", "0006_sessions_of_a_day")]

    operations = [
        migrations.AddField(
            model_name="instrument",
            name="charge_class",
            field=models.CharField(
                choices=[("SHARE", "SHARE"), ("EQUITY_ETF", "EQUITY_ETF"), ("OTHER_ETF", "OTHER_ETF")],
                db_default="SHARE",
                default="SHARE",
                max_length=10,
            ),
        ),
        migrations.RunPython(classify, migrations.RunPython.noop),
    ]
