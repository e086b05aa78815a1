"""The user cancels an open order, or all after-market orders of an investment."""

from datetime import datetime

from django.db.models import QuerySet
from django.db.transaction import atomic

from brokers.ports.broker import Variety
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.statuses import OrderStatus
from transactions.execution.requeue import requeue
from transactions.lifecycle.transitions import claim, fail
from transactions.models import Batch, Order, Transaction


class _ClosedMeanwhile(Exception):
    """No order to cancel is open any more; the claim is rolled back."""


def ask_to_cancel(*, transaction: Transaction, now: datetime) -> None:
    """Marks the orders and requeues their batch, whose worker asks the broker to cancel. Raises SdkError."""
    batches, orders = _meant(transaction)
    try:
        with atomic(durable=True):
            claim(transaction, now=now)
            # Locks the batch before its orders, in the workers' order, to avoid a deadlock.
            requeue(batches, transaction.gateway, now=now)
            if not orders.filter(status=OrderStatus.PLACED, cancelled_by__isnull=True).update(cancelled_by=transaction):
                raise _ClosedMeanwhile
    except _ClosedMeanwhile:
        transaction.refresh_from_db()
        fail(transaction, SdkCode.NO_ORDER, now=now)


def _meant(transaction: Transaction) -> tuple[QuerySet[Batch], QuerySet[Order]]:
    """The batches and orders to cancel: one order of a batch, or the after-market orders of an investment."""
    named = transaction.order_config
    batches = Batch.objects.filter(account=transaction.account)
    if transaction.intent == Intent.CANCEL_AMO:
        batches = batches.filter(iscid=named["iscid"], variety=Variety.AMO)
        return batches, Order.objects.filter(batch__in=batches)
    batches = batches.filter(batch_id=named["batchId"])
    return batches, Order.objects.filter(batch__in=batches, ticker=named["ticker"])
