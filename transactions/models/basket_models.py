"""Transactions, their batches and orders."""

from django.db import models
from django.db.models import F, Q

from brokers.market.charges import Charges
from brokers.ports.broker import OrderType, Side, Validity, Variety
from gateway.database.encryption import EncryptedField
from gateway.models import Account, Gateway, Work
from gateway.values.ids import new_object_id, new_transaction_id
from smallcases.models import Version
from transactions.domain.basket import MAX_QUANTITY
from transactions.domain.intents import Intent
from transactions.domain.statuses import BatchStatus, OrderStatus, TransactionStatus


def choices(*members: str) -> list[tuple[str, str]]:
    return [(member, member) for member in map(str, members)]


class Transaction(models.Model):
    """A partner's request, for single use. `order_config` and `config` are stored as given, with the wire's keys.

    `account` is bound by a connected token at creation, or by the login at `logged_in_at`. `encrypted_login` is neither
    read nor written any more (brokers.models.BrokerSession); the next release drops it. `outcome` is the part of the
    SDK response besides orders: funds or SIP details.
    """

    transaction_id = models.CharField(max_length=36, unique=True, default=new_transaction_id)
    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="transactions")
    intent = models.CharField(max_length=20, choices=choices(*Intent))
    status = models.CharField(
        max_length=15, choices=choices(*TransactionStatus), default=TransactionStatus.INITIALIZED.value
    )
    order_config = models.JSONField(default=dict)
    config = models.JSONField(default=dict)
    notes = models.CharField(max_length=256, null=True)
    is_new_user = models.BooleanField(default=False)
    outcome = models.JSONField(null=True)
    encrypted_login = EncryptedField(blank=True, default="", db_default="", db_column="sealed_login")
    logged_in_at = models.DateTimeField(null=True)
    error_code = models.PositiveSmallIntegerField(null=True)
    error_message = models.CharField(max_length=40, blank=True)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status="ERRORED", error_code__isnull=False) | ~Q(status="ERRORED"),
                name="an_error_has_a_code",
            ),
            models.CheckConstraint(
                condition=Q(account__isnull=False) | Q(status__in=["INITIALIZED", "ERRORED"]),
                name="nothing_goes_on_without_a_login",
            ),
            models.CheckConstraint(
                condition=Q(status="COMPLETED", completed_at__isnull=False)
                | (~Q(status="COMPLETED") & Q(completed_at__isnull=True)),
                name="completed_when_it_is",
            ),
        ]
        indexes = [models.Index(fields=["gateway", "-id"], name="transaction_gateway_newest")]

    def __str__(self) -> str:
        return self.transaction_id


class Batch(Work):
    """The orders of one confirmed transaction. `status` aggregates the orders' statuses; `sequence` counts events.

    `broker` is the account's: with the gateway it names the link on which the batch is worked. For a smallcase order,
    `iscid` is reserved at the confirmation, `version` is the investment's version after the
    order, and `original_label` is the label of the order that a FIX repeats. `target`: the weights that a MANAGE order
    chose, as in Investment. `request_id` is that of the last request
    that queued the batch. `unreachable_since`: the broker cannot be asked. `session_ended_at`: the batch waits for a
    login of its user, and is not due meanwhile.
    """

    batch_id = models.CharField(max_length=24, unique=True, default=new_object_id)
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="batch")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="batches")
    broker = models.CharField(max_length=20, default="", db_default="")
    variety = models.CharField(max_length=8, choices=choices(*Variety))
    label = models.CharField(max_length=12, null=True)
    original_label = models.CharField(max_length=12, null=True)
    iscid = models.CharField(max_length=24, null=True)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, null=True, related_name="+")
    target = models.JSONField(null=True)
    status = models.CharField(max_length=16, choices=choices(*BatchStatus), default=BatchStatus.QUEUED.value)
    sequence = models.PositiveIntegerField(default=0)
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    created_at = models.DateTimeField()
    placed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    unreachable_since = models.DateTimeField(null=True)
    session_ended_at = models.DateTimeField(null=True)

    class Meta(Work.Meta):
        verbose_name_plural = "batches"
        permissions = [("mark_complete", "Can mark unfinished batches complete")]
        constraints = [
            models.CheckConstraint(
                condition=Q(placed_at__isnull=True, status="QUEUED")
                | (Q(placed_at__isnull=False) & ~Q(status="QUEUED")),
                name="queued_until_it_is_placed",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["QUEUED", "PLACED", "PARTIALLYPLACED"])
                | Q(due_at__isnull=False)
                | Q(session_ended_at__isnull=False),
                name="an_open_batch_is_polled_or_waits_for_a_login",
            ),
            models.CheckConstraint(
                condition=Q(label__isnull=True, iscid__isnull=True, version__isnull=True)
                | Q(label__isnull=False, iscid__isnull=False, version__isnull=False),
                name="a_smallcase_order_is_one_throughout",
            ),
            models.UniqueConstraint(
                fields=["iscid"],
                condition=Q(status__in=["QUEUED", "PLACED", "PARTIALLYPLACED"]),
                name="one_open_batch_per_investment",
            ),
        ]
        indexes = [
            Work.Meta.indexes[0],
            # Due work of one link, placing and polling apart: thousands of batches of one kind hide none of the other.
            models.Index(
                fields=["gateway", "broker", "due_at"],
                condition=Q(status="QUEUED", due_at__isnull=False),
                name="batch_link_queued",
            ),
            models.Index(
                fields=["gateway", "broker", "due_at"],
                condition=~Q(status="QUEUED") & Q(due_at__isnull=False),
                name="batch_link_polled",
            ),
            models.Index(
                fields=["account"], condition=Q(session_ended_at__isnull=False), name="batch_waits_for_a_login"
            ),
            models.Index(fields=["iscid", "-id"], condition=Q(iscid__isnull=False), name="batch_iscid_newest"),
            models.Index(fields=["account", "-id"], name="batch_account_newest"),
            # Open batches are found by one_open_batch_per_investment. Most batches are COMPLETED and need no index.
            models.Index(
                fields=["status", "-id"],
                condition=Q(
                    status__in=["ERROR", "PARTIALLYFILLED", "UNFILLED", "UNPLACED", "CANCELLED", "MARKEDCOMPLETE"]
                ),
                name="batch_rare_status",
            ),
        ]

    def __str__(self) -> str:
        return self.batch_id


class Order(models.Model):
    """One security of a batch. `ref` is its id at the broker, `report_log` the last reports (domain.report_log).

    `sent_at`: the call that places the order may have started. `broker_order_id`: the broker acknowledged it.
    `unreported_since`: since when the broker's order book should have listed the order and has not. `slices`: its parts
    at the exchange, if there are several (order_reports.slices_as_kept); `exchange_order_id` is that of the first.

    `traded_on`: the IST day of the first fill; null while nothing has filled, and on orders of an older release.
    `charges` is no column: queries.order_charges reads it.

    `cancelled_by` is the transaction that asked to cancel. Without an `active_correction` the broker's report applies.
    """

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="orders")
    position = models.PositiveSmallIntegerField()
    ref = models.CharField(max_length=24, unique=True, default=new_object_id)
    ticker = models.CharField(max_length=20)
    side = models.CharField(max_length=4, choices=choices(*Side))
    quantity = models.PositiveIntegerField()
    order_type = models.CharField(max_length=6, choices=choices(*OrderType), default=OrderType.MARKET.value)
    validity = models.CharField(max_length=4, choices=choices(*Validity), default=Validity.DAY.value)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    trigger_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    status = models.CharField(max_length=13, choices=choices(*OrderStatus), default=OrderStatus.QUEUED.value)
    filled_quantity = models.PositiveIntegerField(default=0)
    average_price = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    exchange_order_id = models.CharField(max_length=32, null=True)
    slices = models.JSONField(null=True)
    error_code = models.CharField(max_length=40, null=True)
    status_message = models.CharField(max_length=200, null=True)
    ordered_at = models.DateTimeField(null=True)
    traded_on = models.DateField(null=True)
    sent_at = models.DateTimeField(null=True)
    broker_order_id = models.CharField(max_length=40, null=True)
    unreported_since = models.DateTimeField(null=True, db_column="silent_since")
    cancelled_by = models.ForeignKey(Transaction, on_delete=models.PROTECT, null=True, related_name="cancelled_orders")
    report_log = models.JSONField(default=list, db_column="words")
    active_correction = models.ForeignKey(
        "OrderCorrection", on_delete=models.PROTECT, null=True, related_name="+", db_column="settled_by_id"
    )
    charges: Charges | None

    class Meta:
        permissions = [("reconcile_order", "Can correct orders from the broker's tradebook")]
        constraints = [
            models.UniqueConstraint(fields=["batch", "position"], name="one_order_per_position"),
            models.CheckConstraint(condition=Q(quantity__gte=1, quantity__lte=MAX_QUANTITY), name="quantity_in_bounds"),
            models.CheckConstraint(condition=Q(filled_quantity__lte=F("quantity")), name="never_overfilled"),
            models.CheckConstraint(
                condition=Q(filled_quantity=0, average_price__isnull=True)
                | Q(filled_quantity__gt=0, average_price__gt=0),
                name="average_price_of_what_filled",
            ),
            models.CheckConstraint(
                condition=~Q(status="COMPLETE") | Q(filled_quantity=F("quantity")), name="complete_is_whole"
            ),
            models.CheckConstraint(
                condition=~Q(status="PARTIAL") | Q(filled_quantity__gt=0, filled_quantity__lt=F("quantity")),
                name="partial_is_a_part",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["QUEUED", "UNPLACED", "REJECTED", "CANCELLED", "CANCELLED AMO"])
                | Q(filled_quantity=0),
                name="unfilled_is_nothing",
            ),
        ]
        indexes = [
            models.Index(fields=["batch"], condition=Q(status="ERROR"), name="order_in_error"),
            models.Index(
                fields=["status", "-id"],
                condition=Q(status__in=["ERROR", "UNPLACED", "PARTIAL", "REJECTED", "CANCELLED", "CANCELLED AMO"]),
                name="order_rare_status",
            ),
            models.Index(
                fields=["exchange_order_id"],
                condition=Q(exchange_order_id__isnull=False),
                name="order_by_exchange_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.ticker}"
