from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("transactions", "0017_slices")]

    operations = [
        migrations.AddField(model_name="order", name="traded_on", field=models.DateField(null=True)),
    ]
