"""Model portfolios and their versions; users' investments and their fills; SIPs and rebalance notices."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from brokers.models import Instrument
from brokers.ports.broker import Side
from gateway.models import Account, Gateway, Work
from gateway.values.ids import new_object_id


class Smallcase(models.Model):
    """A model portfolio. Its newest version has the current constituents."""

    class Kind(models.TextChoices):
        THEMATIC = "Thematic"
        SECTOR = "Sector"
        FACTOR = "Factor"
        MULTI_ASSET = "Multi-asset"

    class Schedule(models.TextChoices):
        MONTHLY = "Monthly"
        QUARTERLY = "Quarterly"
        HALF_YEARLY = "Half-yearly"
        ANNUAL = "Annual"
        AS_NEEDED = "As needed"

    class Risk(models.TextChoices):
        LOW = "Low volatility"
        MEDIUM = "Medium volatility"
        HIGH = "High volatility"

    scid = models.CharField(max_length=13, unique=True)
    name = models.CharField(max_length=80)
    short_description = models.CharField(max_length=280)
    rationale = models.TextField()
    publisher = models.CharField(max_length=80)
    manager = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    kind = models.CharField(max_length=12, choices=Kind)
    schedule = models.CharField(max_length=12, choices=Schedule)
    benchmark = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    risk = models.CharField(max_length=20, choices=Risk)
    image_url = models.CharField(max_length=500, blank=True)
    launched_on = models.DateField()
    is_archived = models.BooleanField(default=False)

    class Meta:
        ordering = ["scid"]

    def __str__(self) -> str:
        return self.scid


class Version(models.Model):
    """A published version, never changed. Numbers start at 1."""

    smallcase = models.ForeignKey(Smallcase, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    label = models.CharField(max_length=80)
    rationale = models.TextField(blank=True)
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["smallcase", "number"], name="a_version_is_published_once")]

    def __str__(self) -> str:
        return f"version {self.number}"


class DraftState(models.TextChoices):
    EDITED = "EDITED"
    PROPOSED = "PROPOSED"
    PUBLISHED = "PUBLISHED"


class RebalanceDraft(models.Model):
    """The draft of a smallcase's next version. A smallcase has at most one open draft.

    `lines` are tickers with weights as typed. `revision` counts the changes and is the fencing token: a writer that
    has seen another revision changes nothing. With four eyes, a second person approves the draft before publication.
    """

    smallcase = models.ForeignKey(Smallcase, on_delete=models.PROTECT, related_name="drafts")
    on_top_of = models.PositiveIntegerField()
    label = models.CharField(max_length=80, blank=True)
    rationale = models.TextField(blank=True)
    lines = models.JSONField(default=list)
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=9, choices=DraftState, default=DraftState.EDITED.value)
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    edited_at = models.DateTimeField()
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    version = models.OneToOneField(Version, on_delete=models.PROTECT, null=True, related_name="draft")

    class Meta:
        permissions = [("approve_rebalance", "Can approve rebalances that another has proposed")]
        constraints = [
            models.UniqueConstraint(
                fields=["smallcase"], condition=~Q(state="PUBLISHED"), name="one_open_draft_per_smallcase"
            ),
            models.CheckConstraint(
                condition=Q(state="PUBLISHED", version__isnull=False)
                | (~Q(state="PUBLISHED") & Q(version__isnull=True, approved_by__isnull=True)),
                name="published_as_a_version",
            ),
            models.CheckConstraint(
                condition=~Q(state="PROPOSED") | Q(proposed_by__isnull=False), name="somebody_proposes_a_proposal"
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | (
                    Q(proposed_by__isnull=False)
                    & ~Q(approved_by=models.F("proposed_by"))
                    & ~Q(approved_by=models.F("edited_by"))
                ),
                name="nobody_approves_their_own_rebalance",
            ),
        ]

    def __str__(self) -> str:
        return f"draft of {self.smallcase}, on top of version {self.on_top_of}"


class Constituent(models.Model):
    """A constituent; `weight` in per cent. The weights of a version sum to 100."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="constituents")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    weight = models.DecimalField(max_digits=7, decimal_places=4)

    class Meta:
        ordering = ["-weight", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "instrument"], name="a_name_stands_once_in_a_version"),
            models.CheckConstraint(condition=Q(weight__gt=0, weight__lte=100), name="weight_is_a_share_of_the_whole"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.weight} %"


class IndexValue(models.Model):
    """The index at a trading day's close: 100 on the day of launch, chained over versions."""

    smallcase = models.ForeignKey(Smallcase, on_delete=models.CASCADE, related_name="index")
    day = models.DateField()
    value = models.DecimalField(max_digits=12, decimal_places=4)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["smallcase", "day"], name="one_index_value_a_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.value}"


class Performance(models.Model):
    """Returns up to `day`, stored for sorting. Fractions (0.05 is 5 %); null if the index is too young."""

    smallcase = models.OneToOneField(Smallcase, on_delete=models.CASCADE, related_name="performance")
    day = models.DateField()
    index_value = models.DecimalField(max_digits=12, decimal_places=4)
    daily = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    weekly = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    monthly = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    quarterly = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    half_yearly = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    yearly = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    since_launch = models.DecimalField(max_digits=12, decimal_places=6)
    cagr = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    volatility = models.DecimalField(max_digits=12, decimal_places=6, null=True)

    class Meta:
        verbose_name_plural = "performance"

    def __str__(self) -> str:
        return f"{self.index_value} on {self.day}"


class Investment(models.Model):
    """An invested smallcase. Its first fill creates it, and the sum of its fills is its holdings.

    `version` is the version of its last rebalance; `is_customised`: the user customised the shares since. `target`: the
    weights that the user chose with that, in per cent by ticker, as texts. It counts only while `is_customised`.
    """

    iscid = models.CharField(max_length=24, unique=True, default=new_object_id)
    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="investments")
    smallcase = models.ForeignKey(Smallcase, on_delete=models.PROTECT, related_name="investments")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    is_customised = models.BooleanField(default=False, db_column="deviated")
    target = models.JSONField(null=True)
    created_at = models.DateTimeField()
    exited_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="investment_account_newest"),
            models.Index(fields=["smallcase", "gateway", "id"], name="investment_of_smallcase"),
        ]

    def __str__(self) -> str:
        return self.iscid


class InvestmentFill(models.Model):
    """The total fill of one order so far at its average `price`. A later report replaces the row."""

    investment = models.ForeignKey(Investment, on_delete=models.PROTECT, related_name="fills")
    order_ref = models.CharField(max_length=24, unique=True)
    ticker = models.CharField(max_length=20)
    side = models.CharField(max_length=4, choices=[(side.value, side.value) for side in Side])
    shares = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=16, decimal_places=4)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(shares__gt=0, price__gt=0), name="a_fill_is_of_something")]

    def __str__(self) -> str:
        return f"{self.side} {self.shares} {self.ticker}"


class Sip(Work):
    """A plan to invest `amount` rupees each period. Due from `scheduled_date`, IST, with one reminder for each date."""

    class Frequency(models.TextChoices):
        WEEKLY = "1w"
        FORTNIGHTLY = "2w"
        MONTHLY = "1m"
        QUARTERLY = "3m"

    investment = models.OneToOneField(Investment, on_delete=models.PROTECT, related_name="sip")
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    frequency = models.CharField(max_length=2, choices=Frequency)
    starts_on = models.DateField()
    scheduled_date = models.DateField()
    periods_done = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta(Work.Meta):
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="a_sip_is_of_some_amount")]

    def __str__(self) -> str:
        return f"{self.amount} every {self.frequency}"


class RebalanceNotice(Work):
    """A version's rebalance notices for one gateway's investors, in the order of ids, sent up to `notified_up_to`."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="notices")
    notified_up_to = models.PositiveBigIntegerField(default=0, db_column="told_up_to")
    notified = models.PositiveIntegerField(default=0, db_column="told")

    class Meta(Work.Meta):
        db_table = "smallcases_announcement"
        constraints = [models.UniqueConstraint(fields=["version", "gateway"], name="announced_once_to_each_gateway")]

    def __str__(self) -> str:
        return f"rebalance notice {self.pk}"
