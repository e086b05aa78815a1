from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def trusts_get_their_series(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """A few rows: REITs and InvITs have series of their own, which were not stored before."""
    instruments = apps.get_model("brokers", "Instrument").objects
    instruments.filter(kind="REIT").update(series="RR")
    instruments.filter(kind="INVIT").update(series="IV")


class Migration(migrations.Migration):
    """Shares have the series EQ and no price band until a list or a bhavcopy says otherwise."""

    dependencies = [
        ('brokers', '0004_broker_outages'),
    ]

    operations = [
        migrations.AddField(
            model_name='instrument',
            name='price_band',
            field=models.PositiveSmallIntegerField(choices=[(2, '2 %'), (5, '5 %'), (10, '10 %'), (20, '20 %')], null=True),
        ),
        migrations.AddField(
            model_name='instrument',
            name='series',
            field=models.CharField(choices=[('EQ', 'EQ: equity'), ('BE', 'BE: trade to trade'), ('BZ', 'BZ: trade to trade, listing rules not met'), ('SM', 'SM: SME'), ('ST', 'ST: SME, trade to trade'), ('SZ', 'SZ: SME, trade to trade, listing rules not met'), ('RR', 'RR: REIT'), ('IV', 'IV: InvIT')], db_default='EQ', default='EQ', max_length=2),
        ),
        migrations.AddConstraint(
            model_name='instrument',
            constraint=models.CheckConstraint(condition=models.Q(('price_band__in', (2, 5, 10, 20))), name='a_price_band_is_one_of_nses'),
        ),
        migrations.RunPython(trusts_get_their_series, migrations.RunPython.noop),
    ]
