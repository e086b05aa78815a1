from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("gateway", "0007_encrypted_columns_and_the_head_signature"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerProcess",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=24, unique=True)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]
