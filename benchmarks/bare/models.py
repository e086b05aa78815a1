from django.db import models


class Wish(models.Model):
    """One row for a request. Its table is made by the benchmark that uses it, beside the gateway's."""

    name = models.CharField(max_length=36)
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "bare"
        managed = False
        db_table = "bare_wish"

    def __str__(self) -> str:
        return self.name
