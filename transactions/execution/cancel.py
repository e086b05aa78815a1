"""The user asks for the end of an open order, or of all that wait for the market's open."""

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
    """Nothing that was to be cancelled is open any more; nothing is claimed."""


def ask_to_cancel(*, transaction: Transaction, now: datetime) -> None:
    """The request is written on the orders, and their batch requeued: its worker asks the broker to cancel."""
    batches, orders = _meant(transaction)
    try:
        with atomic(durable=True):
            claim(transaction, now=now)
            # The batch before its orders, as the workers lock them: else each could wait for the other.
            requeue(batches, transaction.gateway, now=now)
            if not orders.filter(status=OrderStatus.PLACED, cancelled_by__isnull=True).update(cancelled_by=transaction):
                raise _ClosedMeanwhile
    except _ClosedMeanwhile:
        transaction.refresh_from_db()
        fail(transaction, SdkCode.NO_ORDER, now=now)


def _meant(transaction: Transaction) -> tuple[QuerySet[Batch], QuerySet[Order]]:
    """One order of a batch, or the AMO of an investment."""
    named = transaction.order_config
    batches = Batch.objects.filter(account=transaction.account)
    if transaction.intent == Intent.CANCEL_AMO:
        batches = batches.filter(iscid=named["iscid"], variety=Variety.AMO)
        return batches, Order.objects.filter(batch__in=batches)
    batches = batches.filter(batch_id=named["batchId"])
    return batches, Order.objects.filter(batch__in=batches, ticker=named["ticker"])
