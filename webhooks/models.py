"""Webhook endpoints, events, their deliveries and attempts, and replays."""

from django.db import models
from django.db.models import F, Q

from gateway.database.encryption import EncryptedField
from gateway.models import Gateway, Work
from gateway.values.ids import new_object_id
from webhooks.delivery.retry import Plan
from webhooks.events.event_types import DEFAULT_TYPES, EventType


class DeliveryStatus(models.TextChoices):
    DUE = "DUE"
    DELIVERED = "DELIVERED"
    GIVEN_UP = "GIVEN_UP"


def default_types() -> list[str]:
    return [kind.value for kind in DEFAULT_TYPES]


class Endpoint(models.Model):
    """A partner's URL. Its secret is stored encrypted; the previous secret also signs until it is retired (None).

    `failures` counts failed attempts of all deliveries since the last success; `failing_since` is when the first of
    them failed, by the gateway's clock. A disabled endpoint gets no events.
    """

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="endpoints")
    public_id = models.CharField(max_length=24, unique=True, default=new_object_id)
    url = models.URLField(max_length=500)
    encrypted_secret = EncryptedField(db_column="sealed_secret")
    encrypted_previous_secret = EncryptedField(null=True, blank=True, db_column="sealed_previous_secret")
    types = models.JSONField(default=default_types)
    plan = models.CharField(max_length=8, choices=[(p.value, p.value) for p in Plan], default=Plan.STANDARD.value)
    is_enabled = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=100, blank=True, db_column="disabled_because")
    created_at = models.DateTimeField()

    class Meta:
        permissions = [
            ("move_endpoint", "Can move an endpoint to another URL"),
            ("subscribe_endpoint", "Can change what an endpoint hears"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "url"], name="one_endpoint_per_url"),
            models.CheckConstraint(
                condition=Q(failures=0, failing_since__isnull=True) | Q(failures__gt=0, failing_since__isnull=False),
                name="failing_since_the_first_failure",
            ),
            models.CheckConstraint(
                condition=Q(is_enabled=True, disabled_at__isnull=True, disabled_reason="")
                | (Q(is_enabled=False, disabled_at__isnull=False) & ~Q(disabled_reason="")),
                name="disabled_at_a_time_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.url


class Event(models.Model):
    """A snapshot of a fact: `payload` lacks timestamp and checksum, which each attempt adds.

    `sequence` counts within `subject` (a batchId); `key` is the webhook-id, which never changes. `transaction_id` and
    `auth_id` are also in the payload; as columns they can be queried.
    """

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=40, unique=True)
    type = models.CharField(max_length=24, choices=[(t.value, t.value) for t in EventType])
    subject = models.CharField(max_length=40)
    sequence = models.PositiveIntegerField()
    payload = models.JSONField()
    transaction_id = models.CharField(max_length=36, blank=True, default="")
    auth_id = models.CharField(max_length=24, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "subject", "sequence"], name="sequence_counts_each_event_once")
        ]
        indexes = [
            models.Index(fields=["gateway", "-id"], name="event_gateway_newest"),
            models.Index(F("auth_id"), F("id").desc(), condition=~Q(auth_id=""), name="event_user_newest"),
            models.Index(F("transaction_id"), condition=~Q(transaction_id=""), name="event_transaction"),
            models.Index(F("request_id"), condition=~Q(request_id=""), name="event_request"),
            models.Index(fields=["gateway", "created_at"], name="event_gateway_since"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject} #{self.sequence}"


class Delivery(Work):
    """An event to be sent to an endpoint. `is_bulk` deliveries (one fact for many users) wait for all others."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.PROTECT, related_name="deliveries")
    status = models.CharField(max_length=9, choices=DeliveryStatus, default=DeliveryStatus.DUE.value)
    is_bulk = models.BooleanField(default=False)
    failures = models.PositiveSmallIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True, db_column="settled_at")

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(F("is_bulk"), F("due_at"), condition=Q(due_at__isnull=False), name="delivery_due"),
            models.Index(
                F("gateway"), F("is_bulk"), F("due_at"), condition=Q(due_at__isnull=False), name="delivery_gateway_due"
            ),
            models.Index(
                F("gateway"), F("event").desc(), condition=Q(status=DeliveryStatus.GIVEN_UP.value), name="delivery_lost"
            ),
        ]
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
    """One try: the endpoint's response, or why there was none."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    response = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.status_code or self.error}"


class Replay(Work):
    """A request to send past events again, in chunks.

    `endpoint` None means every enabled endpoint; `type` and `auth_id` filter if they are set. `replayed_up_to` is the
    last event sent, `last_event` the last to send (0: not started); later events are delivered without the replay.
    """

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, null=True, related_name="replays")
    key = models.CharField(max_length=40, unique=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    type = models.CharField(max_length=24, blank=True, default="")
    auth_id = models.CharField(max_length=24, blank=True, default="")
    only_missed = models.BooleanField(default=False)
    replayed_up_to = models.BigIntegerField(default=0)
    last_event = models.BigIntegerField(default=0)
    replayed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key}: {self.replayed} since {self.since:%Y-%m-%d %H:%M}"
