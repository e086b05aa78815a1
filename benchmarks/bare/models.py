from django.db import models


class Wish(models.Model):
    """One row per request. The benchmark that uses it creates the table, beside the gateway's tables."""

    name = models.CharField(max_length=36)
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "bare"
        managed = False
        db_table = "bare_wish"

    def __str__(self) -> str:
        return self.name
