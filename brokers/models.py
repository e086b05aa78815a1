"""The market (instruments, price overrides, exceptions to the calendar), users' sessions, and outages of brokers."""

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from brokers.market.charges import ChargeClass
from brokers.market.series import PRICE_BANDS, Series
from gateway.database.encryption import EncryptedField
from gateway.models import Account, Gateway

ERASED = ""  # instead of an encrypted token


class InstrumentKind(models.TextChoices):
    STOCK = "STOCK"
    ETF = "ETF"
    INVIT = "INVIT"
    REIT = "REIT"


class Instrument(models.Model):
    """An NSE security. Prices in rupees. `charge_class` decides which STT its orders pay (market.charges).

    `reference_price` is the close of `priced_on`; null (older release): of 20 November 2026. `price_band`: per cent of
    the previous close, up and down, outside of which nothing trades. None: no fixed band, as for shares with
    derivatives.
    """

    symbol = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    isin = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=8, choices=InstrumentKind)
    charge_class = models.CharField(
        max_length=10,
        choices=[(one.value, one.value) for one in ChargeClass],
        default=ChargeClass.SHARE.value,
        db_default=ChargeClass.SHARE.value,
    )
    sector = models.CharField(max_length=60)
    series = models.CharField(max_length=2, choices=Series, default=Series.EQ, db_default=Series.EQ)
    price_band = models.PositiveSmallIntegerField(null=True, choices=[(band, f"{band} %") for band in PRICE_BANDS])
    tick_size = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal("0.05"))
    reference_price = models.DecimalField(max_digits=12, decimal_places=2)
    priced_on = models.DateField(null=True, blank=True)
    tradable = models.BooleanField(default=True)

    class Meta:
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(condition=Q(tick_size__gt=0), name="tick_size_above_zero"),
            models.CheckConstraint(condition=Q(reference_price__gt=0), name="reference_price_above_zero"),
            models.CheckConstraint(condition=Q(price_band__in=PRICE_BANDS), name="a_price_band_is_one_of_nses"),
        ]

    def __str__(self) -> str:
        return self.symbol


class PriceOverride(models.Model):
    """A price that a tester fixed for one instrument on one gateway, until it is removed."""

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="+")
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="price_overrides")
    price = models.DecimalField(max_digits=12, decimal_places=2)
    set_at = models.DateTimeField(db_column="pinned_at")

    class Meta:
        db_table = "brokers_pricepin"
        constraints = [
            models.UniqueConstraint(fields=["gateway", "instrument"], name="one_pin_per_instrument"),
            models.CheckConstraint(condition=Q(price__gt=0), name="pinned_price_above_zero"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument}@{self.price}"


class MarketDay(models.Model):
    """A session of a day (IST), or a holiday (no times): the rows of a day replace its published hours.

    A day may have several sessions. They do not overlap, and a holiday is the only row of its day: `clean` says so to
    people, an exclusion constraint (PostgreSQL) or triggers (SQLite) hold it, both made by a migration.
    """

    day = models.DateField(db_index=True)
    opens = models.TimeField(null=True, blank=True)
    closes = models.TimeField(null=True, blank=True)
    note = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-day", "opens"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True)
                | Q(opens__isnull=False, closes__isnull=False, opens__lt=F("closes")),
                name="both_times_or_none",
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.opens or 'closed'}"

    def clean(self) -> None:
        others = MarketDay.objects.filter(day=self.day).exclude(pk=self.pk)
        if self.opens and self.closes:
            others = others.filter(Q(opens=None) | Q(opens__lt=self.closes, closes__gt=self.opens))
        if self.day and (other := others.first()):
            raise ValidationError(f"{self.day} has the row {other}: sessions of a day must not overlap.")


class BrokerSession(models.Model):
    """A user's session at the broker, live until `ended_at`; a login replaces the live one in place.

    The token of an ended session is erased at once, because only a login helps the user. Times by the gateway's clock.
    """

    class End(models.TextChoices):
        BY_BROKER = "broker"
        UNUSED = "unused"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="sessions")
    encrypted_token = EncryptedField(blank=True)
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=8, choices=End, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(ended_at__isnull=True), name="one_live_session_per_account"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end_reason="")
                | (Q(ended_at__isnull=False, encrypted_token=ERASED) & ~Q(end_reason="")),
                name="an_ended_session_has_a_reason_and_no_token",
            ),
        ]
        indexes = [models.Index(fields=["started_at"], condition=Q(ended_at__isnull=True), name="live_session_age")]

    def __str__(self) -> str:
        return f"{self.account_id} since {self.started_at}"


class BrokerOutage(models.Model):
    """A link (a gateway and a broker) whose broker cannot be reached; the row goes with the first answer.

    `wait` doubles with each failed probe; the next may start at `probe_at`. Real time.
    """

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="+")
    broker = models.CharField(max_length=20)
    since = models.DateTimeField()
    wait = models.DurationField()
    probe_at = models.DateTimeField()
    reason = models.CharField(max_length=200)

    class Meta:
        default_permissions = ("view",)
        permissions = [("probe_broker", "Can have an unreachable broker tried now")]
        constraints = [models.UniqueConstraint(fields=["gateway", "broker"], name="one_outage_per_link")]

    def __str__(self) -> str:
        return f"{self.broker} at {self.gateway}"
