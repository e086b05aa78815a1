"""Empties a test gateway. Credentials, origins and webhook endpoints stay."""

from datetime import timedelta

from django.db import IntegrityError
from django.db.models import QuerySet
from django.db.transaction import atomic

from brokers.models import BrokerOutage, BrokerSession
from brokers.simulator.account_books import clear_books as market
from gateway.models import Account, Gateway, IdempotentRequest
from gateway.queue.leases import erase
from gateway.values.errors import Conflict
from smallcases.portfolio import clear_investments as investments
from transactions.models import Batch, CheckoutSession, HoldingsSnapshot, Order, OrderCorrection, Transaction
from transactions.reconciliation.tradebook.models import BookRow
from webhooks.events import clear_history as webhooks


class Busy(Conflict):
    """A row was created meanwhile that refers to the rows to delete."""


def reset(*, gateway: Gateway) -> None:
    """Deletes all or nothing, one statement for each table. Twice is safe. Raises Busy; Conflict for a live gateway.

    A worker that is running finds no row for its fencing token and writes nothing. Locks batches, then transactions,
    in the workers' order. An order that is just being sent may still reach the simulated broker's book.
    """
    try:
        with atomic(durable=True):
            _lock(Batch.objects.filter(gateway=gateway))
            _lock(Transaction.objects.filter(gateway=gateway))
            _clear(gateway)
            present = {"clock_offset": timedelta(0), "market_hours": ""}
            if not Gateway.objects.filter(pk=gateway.pk, is_test=True).update(**present):
                raise Conflict("Only a test gateway can be reset.")
    except IntegrityError:
        raise Busy("A row was created while this gateway was being reset. Try again.") from None
    gateway.refresh_from_db()


def _clear(gateway: Gateway) -> None:
    webhooks.clear(gateway)
    investments.clear(gateway)
    erase(BookRow.objects.filter(order__batch__gateway=gateway))
    Order.objects.filter(batch__gateway=gateway, active_correction__isnull=False).update(active_correction=None)
    erase(OrderCorrection.objects.filter(order__batch__gateway=gateway))
    erase(Order.objects.filter(batch__gateway=gateway))
    erase(Batch.objects.filter(gateway=gateway))
    erase(CheckoutSession.objects.filter(transaction__gateway=gateway))
    erase(Transaction.objects.filter(gateway=gateway))
    erase(HoldingsSnapshot.objects.filter(account__gateway=gateway))
    erase(BrokerSession.objects.filter(account__gateway=gateway))
    erase(Account.objects.filter(gateway=gateway))
    market.clear(gateway)
    erase(BrokerOutage.objects.filter(gateway=gateway))
    erase(IdempotentRequest.objects.filter(gateway=gateway))


def _lock(rows: "QuerySet[Batch] | QuerySet[Transaction]") -> None:
    list(rows.select_for_update().order_by("pk").values_list("pk"))
