"""The simulated brokers' accounts, orders and trades. Funds and holdings are sums over trades (books.py).

A process changes an account's orders and writes trades only while it holds the account's lock (accounts.py).
"""

from django.db import models
from django.db.models import F, Q

from brokers.ports.broker import BrokerStatus, Side, Verb
from brokers.simulator.personas import WITH_SECONDS, FaultKind
from gateway.models import Gateway

HAS_SECONDS = Q(kind__in=[kind.value for kind in WITH_SECONDS])


class SimStatus(models.TextChoices):
    OPEN = BrokerStatus.OPEN.value
    COMPLETE = BrokerStatus.COMPLETE.value
    REJECTED = BrokerStatus.REJECTED.value
    CANCELLED = BrokerStatus.CANCELLED.value


class SimAccount(models.Model):
    """A client of a broker on one gateway, so that testers on different gateways do not affect each other.

    `sessions_ended_until`: sessions that started up to then, in real time, have ended.
    """

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="+")
    broker = models.CharField(max_length=20)
    client_id = models.CharField(max_length=64)
    opening_funds = models.DecimalField(max_digits=16, decimal_places=2)
    lent_shares = models.PositiveIntegerField()
    opened_at = models.DateTimeField()
    sessions_ended_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "broker", "client_id"], name="one_simulated_account")]

    def __str__(self) -> str:
        return f"{self.broker}/{self.client_id}"


class SimOrder(models.Model):
    """An order in the order book. The persona, or a tester, decides `fill_behaviour` and `unreported_until`.

    `blocked`: rupees that an open buy blocks. `slice_quantity`: shares of each slice; None: one order at the exchange.
    """

    account = models.ForeignKey(SimAccount, on_delete=models.CASCADE, related_name="orders")
    ref = models.CharField(max_length=24, unique=True)
    ticker = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    quantity = models.PositiveIntegerField()
    order_type = models.CharField(max_length=6)
    variety = models.CharField(max_length=8)
    validity = models.CharField(max_length=4)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    trigger_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    placed_at = models.DateTimeField()
    fill_behaviour = models.CharField(max_length=10, db_column="fate")
    fill_error_code = models.CharField(max_length=40, blank=True, db_column="fate_code")
    unreported_until = models.DateTimeField(null=True, db_column="silent_until")
    garbled = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=SimStatus, default=SimStatus.OPEN)
    admitted = models.BooleanField(default=False)
    blocked = models.DecimalField(max_digits=20, decimal_places=2, default=0, db_default=0)
    triggered = models.BooleanField(default=False)
    price_checked_at = models.DateTimeField(null=True, db_column="looked_at")
    filled_quantity = models.PositiveIntegerField(default=0)
    average_price = models.DecimalField(max_digits=16, decimal_places=4, null=True)
    exchange_order_id = models.CharField(max_length=20, blank=True)
    slice_quantity = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True)
    reported_at = models.DateTimeField(null=True, db_column="said_at")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(filled_quantity__lte=F("quantity")), name="sim_never_overfilled"),
            models.CheckConstraint(condition=Q(blocked__gte=0), name="an_order_blocks_no_negative_funds"),
        ]

    def __str__(self) -> str:
        return self.ref


class SimTrade(models.Model):
    """A trade, which is a line of the tradebook, with the balances after it.

    `slice`: that of its order, from 0. `serial` counts the account's trades: if two writers have read the same
    balances, both use the same serial and one of them fails. `funds_after` in rupees; `shares_after` of the trade's
    ticker, held and lent. Serial and balances are null on older trades.
    """

    order = models.ForeignKey(SimOrder, on_delete=models.CASCADE, related_name="trades")
    account = models.ForeignKey(SimAccount, on_delete=models.CASCADE, related_name="trades")
    ticker = models.CharField(max_length=20)
    side = models.CharField(max_length=4)
    number = models.PositiveSmallIntegerField()
    slice = models.PositiveSmallIntegerField(default=0, db_default=0)
    quantity = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=12, decimal_places=2)
    charges = models.DecimalField(max_digits=16, decimal_places=2)
    at = models.DateTimeField()
    serial = models.PositiveIntegerField(null=True)
    funds_after = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    shares_after = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "serial"], name="one_trade_at_each_place_in_the_tradebook"),
            models.CheckConstraint(
                condition=Q(funds_after__gte=0) | Q(side=Side.SELL.value), name="a_buy_leaves_no_negative_funds"
            ),
            models.CheckConstraint(
                condition=Q(shares_after__gte=0) | Q(side=Side.BUY.value), name="a_sale_leaves_no_negative_shares"
            ),
            models.UniqueConstraint(fields=["order", "number"], name="a_fill_is_traded_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, price__gt=0), name="a_trade_is_of_something"),
        ]
        indexes = [models.Index(fields=["account", "ticker"], name="simtrade_account_ticker")]

    def __str__(self) -> str:
        return f"{self.order_id}/{self.number}"


class BrokerFault(models.Model):
    """A fault that a tester has switched on, for the calls of one verb at a broker from one gateway.

    `seconds` and `set_at` in real time (personas.LinkFault).
    """

    class Kind(models.TextChoices):
        UNREACHABLE = FaultKind.UNREACHABLE.value
        UNANSWERED = FaultKind.UNANSWERED.value
        SLOW = FaultKind.SLOW.value
        RATE_LIMITED = FaultKind.RATE_LIMITED.value
        SESSION_ENDED = FaultKind.SESSION_ENDED.value

    gateway = models.ForeignKey(Gateway, on_delete=models.CASCADE, related_name="+")
    broker = models.CharField(max_length=20)
    verb = models.CharField(max_length=10, choices=[(verb.value, verb.value) for verb in Verb])
    kind = models.CharField(max_length=14, choices=Kind)
    seconds = models.FloatField(null=True)
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "broker", "verb"], name="one_fault_per_broker_and_verb"),
            models.CheckConstraint(
                condition=(HAS_SECONDS & Q(seconds__isnull=False, seconds__gte=0)) | (~HAS_SECONDS & Q(seconds=None)),
                name="a_slow_or_rate_limited_call_has_its_seconds",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.broker} {self.verb}: {self.kind}"
