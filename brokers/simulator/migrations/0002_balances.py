from django.db import migrations, models
from django.db.models import DecimalField, ExpressionWrapper, F


def block_for_open_buys(apps, schema_editor):
    """Until now the funds that an open buy keeps from others were computed from its limit."""
    open_buys = apps.get_model("simulator", "SimOrder").objects.filter(
        status="OPEN", admitted=True, side="BUY", price__isnull=False
    )
    rest = F("quantity") - F("filled_quantity")
    open_buys.update(
        blocked=ExpressionWrapper(rest * F("price"), output_field=DecimalField(max_digits=20, decimal_places=2))
    )


class Migration(migrations.Migration):

    dependencies = [
        ('simulator', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='simorder',
            name='blocked',
            field=models.DecimalField(decimal_places=2, db_default=0, default=0, max_digits=20),
        ),
        migrations.AddField(
            model_name='simtrade',
            name='funds_after',
            field=models.DecimalField(decimal_places=2, max_digits=20, null=True),
        ),
        migrations.AddField(
            model_name='simtrade',
            name='serial',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='simtrade',
            name='shares_after',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name='simorder',
            constraint=models.CheckConstraint(condition=models.Q(('blocked__gte', 0)), name='an_order_blocks_no_negative_funds'),
        ),
        migrations.AddConstraint(
            model_name='simtrade',
            constraint=models.UniqueConstraint(fields=('account', 'serial'), name='one_trade_at_each_place_in_the_tradebook'),
        ),
        migrations.AddConstraint(
            model_name='simtrade',
            constraint=models.CheckConstraint(condition=models.Q(('funds_after__gte', 0), ('side', 'SELL'), _connector='OR'), name='a_buy_leaves_no_negative_funds'),
        ),
        migrations.AddConstraint(
            model_name='simtrade',
            constraint=models.CheckConstraint(condition=models.Q(('shares_after__gte', 0), ('side', 'BUY'), _connector='OR'), name='a_sale_leaves_no_negative_shares'),
        ),
        migrations.RunPython(block_for_open_buys, migrations.RunPython.noop, elidable=True),
    ]
