"""Uploaded tradebooks, their trades, and a row with a verdict for each order, staged until a person applies them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from brokers.ports.broker import Side
from gateway.models import Leased
from transactions.models import Order, OrderCorrection
from transactions.reconciliation.tradebook.verdicts import RowVerdict


class Tradebook(Leased):
    """One file of one broker, usable from `staged_at` on. `columns` are the file's names of recognised columns.

    A worker applies the WANTED rows; `due_at` is set, in real time, while there are any.
    """

    name = models.CharField(max_length=120)
    broker = models.CharField(max_length=20)
    dialect = models.CharField(max_length=10)
    encoding = models.CharField(max_length=12)
    separator = models.CharField(max_length=1)
    columns = models.JSONField()
    lines = models.PositiveIntegerField()
    repeated = models.PositiveIntegerField(default=0)
    verdicts = models.JSONField(default=dict)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    staged_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=64, blank=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(staged_at__isnull=False), name="only_a_whole_book_is_applied"
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="tradebook_due")]

    def __str__(self) -> str:
        return self.name


class BookTrade(models.Model):
    """A line of the file. Identical lines count once."""

    tradebook = models.ForeignKey(Tradebook, on_delete=models.CASCADE, related_name="trades")
    line = models.PositiveIntegerField()
    order_no = models.CharField(max_length=32, blank=True)
    order_ref = models.CharField(max_length=32, blank=True)
    trade_no = models.CharField(max_length=32)
    client = models.CharField(max_length=64, blank=True)
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=4, choices=[(side.value, side.value) for side in Side])
    quantity = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=16, decimal_places=4)
    at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tradebook", "order_no", "order_ref", "trade_no", "symbol", "side", "quantity", "price"],
                name="a_trade_is_counted_once",
            ),
            models.CheckConstraint(condition=~Q(order_no="", order_ref=""), name="a_trade_names_its_order"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol}"


class RowState(models.TextChoices):
    """WANTED waits for a worker. TAKEN has a correction, applied or proposed. REFUSED has a reason."""

    WAITING = "WAITING"
    WANTED = "WANTED"
    TAKEN = "TAKEN"
    REFUSED = "REFUSED"


class BookRow(models.Model):
    """A tradebook's trades of one order, with a verdict. `order_snapshot` is the order's state at the verdict."""

    tradebook = models.ForeignKey(Tradebook, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    order_no = models.CharField(max_length=32, blank=True)
    order_ref = models.CharField(max_length=32, blank=True)
    client = models.CharField(max_length=64, blank=True)
    symbol = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    trades = models.PositiveIntegerField()
    quantity = models.PositiveBigIntegerField()
    turnover = models.DecimalField(max_digits=24, decimal_places=4)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="book_rows")
    verdict = models.CharField(max_length=15, choices=[(verdict.value, verdict.value) for verdict in RowVerdict])
    difference = models.CharField(max_length=200, blank=True)
    can_be_applied = models.BooleanField()
    order_snapshot = models.JSONField(null=True, db_column="seen")
    state = models.CharField(max_length=8, choices=RowState, default=RowState.WAITING)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_column="wanted_by_id"
    )
    correction = models.OneToOneField(
        OrderCorrection, on_delete=models.PROTECT, null=True, related_name="book_row", db_column="settlement_id"
    )
    refusal = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tradebook", "order_no", "order_ref"], name="one_row_per_order_of_a_book"),
            models.CheckConstraint(
                condition=Q(state="TAKEN", correction__isnull=False) | ~Q(state="TAKEN") & Q(correction__isnull=True),
                name="taken_rows_have_their_settlement",
            ),
            models.CheckConstraint(
                condition=Q(state="WAITING") | Q(requested_by__isnull=False, order__isnull=False, can_be_applied=True),
                name="somebody_wanted_what_is_applied",
            ),
        ]
        indexes = [
            models.Index(fields=["tradebook", "verdict", "id"], name="row_of_verdict"),
            models.Index(F("tradebook"), F("id"), condition=Q(state="WANTED"), name="row_wanted"),
        ]

    def __str__(self) -> str:
        return f"line {self.line}"
