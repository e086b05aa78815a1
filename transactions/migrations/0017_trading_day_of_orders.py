from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("transactions", "0016_target_of_a_manage_order")]

    operations = [
        migrations.AddField(model_name="order", name="traded_on", field=models.DateField(null=True)),
    ]
