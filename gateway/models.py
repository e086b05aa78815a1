"""Gateways, their users' accounts, leased work, idempotent requests, authenticator apps, and the audit trail."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django_otp.models import Device, ThrottlingMixin

from gateway.database.encryption import EncryptedField


class MarketHours(models.TextChoices):
    ALWAYS = "always"
    NSE = "nse"
    CLOSED = "closed"


class Gateway(models.Model):
    """A partner. Secrets are stored encrypted; a previous secret is accepted until it is retired (None)."""

    name = models.SlugField(max_length=63, unique=True)
    is_test = models.BooleanField(default=True)
    encrypted_api_secret = EncryptedField(db_column="sealed_api_secret")
    encrypted_previous_api_secret = EncryptedField(null=True, blank=True, db_column="sealed_previous_api_secret")
    encrypted_jwt_secret = EncryptedField(db_column="sealed_jwt_secret")
    encrypted_previous_jwt_secret = EncryptedField(null=True, blank=True, db_column="sealed_previous_jwt_secret")
    allowed_origins = models.JSONField(default=list, blank=True)
    market_hours = models.CharField(max_length=8, choices=MarketHours, blank=True, default="")
    clock_offset = models.DurationField(default=timedelta(0))
    created_at = models.DateTimeField()

    class Meta:
        permissions = [
            ("change_origins", "Can change which origins may open the checkout"),
            ("move_clock", "Can move the clock of a test gateway"),
        ]
        constraints = [
            # Together with the unique name: no two names differ only in case.
            models.CheckConstraint(condition=Q(name=Lower("name")), name="gateway_names_are_lower_case"),
            models.CheckConstraint(condition=Q(clock_offset__gte=timedelta(0)), name="clock_never_behind_the_wall"),
            models.CheckConstraint(
                condition=Q(is_test=True) | Q(clock_offset=timedelta(0), market_hours__in=["", "nse"]),
                name="live_gateways_live_in_real_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """A user's broker account at one gateway; its id is the smallcaseAuthId."""

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="accounts")
    auth_id = models.CharField(max_length=24, unique=True)
    broker = models.CharField(max_length=20)
    client_id = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "broker", "client_id"], name="one_auth_id_per_broker_account")
        ]

    def __str__(self) -> str:
        return self.auth_id


class Leased(models.Model):
    """A row that is a queue entry (gateway.queue.leases).

    `leased_until` is real time, because a worker dies in real time. `attempts` is the fencing token: a
    wake-up message with an old number, or a worker that outlived its lease, matches no row.
    """

    due_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class Work(Leased):
    """Leased work of a gateway. `due_at` follows the gateway's clock, which testers may move."""

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True
        indexes = [
            models.Index(F("due_at"), condition=Q(due_at__isnull=False), name="%(class)s_due"),
            models.Index(F("gateway"), F("due_at"), condition=Q(due_at__isnull=False), name="%(class)s_gateway_due"),
        ]


class WorkerProcess(models.Model):
    """A process that works now (gateway.queue.worker_processes)."""

    name = models.CharField(max_length=24, unique=True)
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class IdempotentRequest(models.Model):
    """A POST with an Idempotency-Key, of a gateway or of a manager (gateway.api.idempotency).

    While `status_code` is None there is no response: the request runs until `leased_until` (real time); afterwards a
    repeated request may run it again. `attempts` is the fencing token. `reserved_id` is the id of the object that every
    run creates. The response is encrypted, because it may contain a user's token.
    """

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, null=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    reserved_id = models.CharField(max_length=36)
    leased_until = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    status_code = models.PositiveSmallIntegerField(null=True)
    encrypted_response = EncryptedField(blank=True, db_column="sealed_answer")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "key"],
                condition=Q(gateway__isnull=False),
                name="one_request_per_key_of_a_gateway",
            ),
            models.UniqueConstraint(
                fields=["user", "key"], condition=Q(user__isnull=False), name="one_request_per_key_of_a_manager"
            ),
            models.CheckConstraint(
                condition=Q(gateway__isnull=False, user__isnull=True) | Q(gateway__isnull=True, user__isnull=False),
                name="an_idempotent_request_has_one_owner",
            ),
            models.CheckConstraint(
                condition=(Q(status_code__isnull=True) & Q(encrypted_response=""))
                | (Q(status_code__isnull=False) & ~Q(encrypted_response="")),
                name="an_answer_comes_with_its_status",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotent_request_age")]

    def __str__(self) -> str:
        return self.key


class AuthenticatorApp(ThrottlingMixin, Device):  # type: ignore[misc]  # django-otp has no types
    """A second factor like django-otp's, but its key (160 bits in hexadecimal) is encrypted (database.encryption).

    `last_t` is the half minute of the last accepted code; no earlier code and not this code are accepted again. Only
    gateway.identity.login checks codes: django-otp's own check refuses every code.
    """

    encrypted_key = EncryptedField(db_column="sealed_key")
    last_t = models.BigIntegerField(default=-1)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user"], name="one_authenticator_app_per_user")]

    def get_throttle_factor(self) -> int:
        """Seconds to wait after the first wrong code; each further wrong code doubles them."""
        return 1


class AuditEntry(models.Model):
    """An action by a user or a command. Only gateway.audit.trail adds entries, in a chain without gaps (ADR 0015).

    No foreign key: an entry outlives the user's row. `before` and `after` are JSON as text, because the digest covers
    these exact characters, and a JSON column would rewrite them.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True, blank=True)
    by_name = models.CharField(max_length=150, blank=True)
    act = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    before = models.TextField()
    after = models.TextField()
    reason = models.TextField(blank=True)
    address = models.CharField(max_length=64, blank=True)
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "audit entries"
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(condition=Q(number__gte=1), name="audit_entries_count_from_one"),
            models.UniqueConstraint(fields=["previous"], name="the_audit_chain_never_forks"),
        ]
        indexes = [
            models.Index(fields=["at"], name="audit_at"),
            *(models.Index(fields=[key, "number"], name=f"audit_{key}") for key in ("by_name", "act", "subject")),
            models.Index(fields=["address", "number"], name="audit_address"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.act}"


class AuditHead(models.Model):
    """The last link of the chain: one row, signed like the entries, which every writer of the trail locks."""

    number = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)
    signature = models.CharField(max_length=64, blank=True, db_column="seal")

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="the_audit_trail_has_one_head")]

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"
