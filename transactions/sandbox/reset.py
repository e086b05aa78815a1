"""A test gateway back to empty: its credentials, origins and endpoints stay, all else is as on its first day."""

from datetime import timedelta

from django.db import IntegrityError
from django.db.models import QuerySet
from django.db.transaction import atomic

from brokers.simulator import clear_books as market
from gateway.models import Account, Gateway, IdempotentRequest
from gateway.queue.leases import erase
from gateway.values.errors import Conflict
from smallcases.portfolio import clear_investments as investments
from transactions.models import Batch, CheckoutSession, HoldingsSnapshot, Order, OrderCorrection, Transaction
from transactions.reconciliation.tradebook.models import BookRow
from webhooks.events import clear_history as webhooks


class Busy(Conflict):
    """Something was written in the meantime that refers to what was to go."""


def reset(*, gateway: Gateway) -> None:
    """All or nothing, a statement a table; running twice empties what is empty.

    A worker in the middle of something writes behind a fencing token, and finds no row. Batches and then transactions
    are locked first, as workers take them. What a broker is being told at this very moment may still reach its book.
    """
    try:
        with atomic(durable=True):
            _lock(Batch.objects.filter(gateway=gateway))
            _lock(Transaction.objects.filter(gateway=gateway))
            _clear(gateway)
            present = {"clock_offset": timedelta(0), "market_hours": ""}
            if not Gateway.objects.filter(pk=gateway.pk, is_test=True).update(**present):
                raise Conflict("Only a test gateway is reset.")
    except IntegrityError:
        raise Busy("Something was created while this gateway was being reset; try again.") from None
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
    erase(Account.objects.filter(gateway=gateway))
    market.clear(gateway)
    erase(IdempotentRequest.objects.filter(gateway=gateway))


def _lock(rows: "QuerySet[Batch] | QuerySet[Transaction]") -> None:
    list(rows.select_for_update().order_by("pk").values_list("pk"))
