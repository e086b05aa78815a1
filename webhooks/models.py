"""Where a partner listens, what happened, and each attempt to say so."""

from django.db import models
from django.db.models import Q

from gateway.models import Gateway, Work
from webhooks.events import DEFAULT_TYPES, EventType
from webhooks.retry import Plan


class DeliveryStatus(models.TextChoices):
    DUE = "DUE"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


def default_types() -> list[str]:
    return [kind.value for kind in DEFAULT_TYPES]


class Endpoint(models.Model):
    """A partner's URL. Its secret is sealed; a previous one signs too until it is retired (None)."""

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="endpoints")
    url = models.URLField(max_length=500)
    sealed_secret = models.TextField()
    sealed_previous_secret = models.TextField(null=True, blank=True)
    types = models.JSONField(default=default_types)
    plan = models.CharField(max_length=8, choices=[(p.value, p.value) for p in Plan], default=Plan.STANDARD.value)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "url"], name="one_endpoint_per_url")]

    def __str__(self) -> str:
        return self.url


class Event(models.Model):
    """A fact, as it was: `payload` is a snapshot without timestamp and checksum, which each attempt adds.

    `subject` is what the sequence counts within (a batchId), `key` the webhook-id that never changes.
    """

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=40, unique=True)
    type = models.CharField(max_length=24, choices=[(t.value, t.value) for t in EventType])
    subject = models.CharField(max_length=40)
    sequence = models.PositiveIntegerField()
    payload = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "subject", "sequence"], name="sequence_counts_each_event_once")
        ]
        indexes = [models.Index(fields=["gateway", "-id"], name="event_gateway_newest")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject} #{self.sequence}"


class Delivery(Work):
    """An event owed to an endpoint."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries")
    status = models.CharField(max_length=9, choices=DeliveryStatus, default=DeliveryStatus.DUE.value)
    failures = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta(Work.Meta):
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="owed_once_to_each_endpoint"),
            models.CheckConstraint(
                condition=Q(status=DeliveryStatus.DUE.value, due_at__isnull=False)
                | (~Q(status=DeliveryStatus.DUE.value) & Q(due_at__isnull=True)),
                name="due_while_it_is_owed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint_id}"


class Attempt(models.Model):
    """One try: what the partner answered, or why there was no answer."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    response = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at} {self.status_code or self.error}"
