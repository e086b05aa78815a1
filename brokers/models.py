"""The market: instruments, price overrides, and exceptions to the calendar; and outages of brokers."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from gateway.models import Gateway


class InstrumentKind(models.TextChoices):
    STOCK = "STOCK"
    ETF = "ETF"
    INVIT = "INVIT"
    REIT = "REIT"


class Instrument(models.Model):
    """An NSE security. Prices in rupees."""

    symbol = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    isin = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=8, choices=InstrumentKind)
    sector = models.CharField(max_length=60)
    tick_size = models.DecimalField(max_digits=6, decimal_places=2, default=Decimal("0.05"))
    reference_price = models.DecimalField(max_digits=12, decimal_places=2)
    tradable = models.BooleanField(default=True)

    class Meta:
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(condition=Q(tick_size__gt=0), name="tick_size_above_zero"),
            models.CheckConstraint(condition=Q(reference_price__gt=0), name="reference_price_above_zero"),
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
    """An exception to the published calendar: an extra holiday (no times) or a special session (IST)."""

    day = models.DateField(unique=True)
    opens = models.TimeField(null=True, blank=True)
    closes = models.TimeField(null=True, blank=True)
    note = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ["-day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__isnull=True, closes__isnull=True) | Q(opens__lt=F("closes")),
                name="both_times_or_none",
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.opens or 'closed'}"


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
