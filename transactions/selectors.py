"""Questions, the gateway first: what is not the caller's is not there."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Prefetch, Q

from gateway.errors import Invalid, NotFound
from gateway.ids import is_object_id, is_transaction_id
from gateway.models import Account, Gateway
from transactions.intents import Intent
from transactions.models import Batch, Order, Transaction
from transactions.sdk import SdkCode
from transactions.states import TransactionStatus


class UnknownTransaction(NotFound):
    """No such transaction, or another's."""

    def __init__(self) -> None:
        code = SdkCode.UNKNOWN_TRANSACTION
        super().__init__("There is no transaction of this id.", data={"code": code, "message": "invalid_transactionId"})


def transaction_of(gateway: Gateway, transaction_id: str, *, account: Account | None = None) -> Transaction:
    """`account`: the connected caller, who sees own transactions and those that are nobody's yet."""
    rows = Transaction.objects.filter(gateway=gateway, transaction_id=transaction_id)
    found = rows.select_related("account").first() if is_transaction_id(transaction_id) else None
    if found is None or (account is not None and found.account_id not in {None, account.pk}):
        raise UnknownTransaction
    found.gateway = gateway
    return found


def is_expired(transaction: Transaction, now: datetime) -> bool:
    """Its time passed before it was confirmed, whether or not anybody came to see that."""
    if transaction.status in {TransactionStatus.INITIALIZED, TransactionStatus.USED}:
        return transaction.expires_at <= now
    return transaction.error_code in {SdkCode.EXPIRED_IN_FLOW, SdkCode.EXPIRED_OR_USED}


def orders_of(transaction: Transaction) -> list[Order]:
    """In the basket's order; of a CANCEL_ORDER, those of the batch it is about. One query, none before confirmation."""
    if transaction.status not in {TransactionStatus.PROCESSING, TransactionStatus.COMPLETED}:
        return []
    if transaction.intent == Intent.CONNECT:
        return []
    rows = Order.objects.select_related("batch").order_by("position")
    if transaction.intent == Intent.CANCEL_ORDER:
        return list(
            rows.filter(batch__gateway=transaction.gateway_id, batch__batch_id=transaction.order_config["batchId"])
        )
    return list(rows.filter(batch__transaction=transaction))


_IN_ORDER = Prefetch("orders", Order.objects.order_by("position"))


def securities_batches(
    gateway: Gateway,
    *,
    account: Account | None,
    transaction_ids: Sequence[str],
    batch_ids: Sequence[str],
    offset: int = 0,
    count: int = 50,
) -> list[Batch]:
    """Placed ones, newest first, orders prefetched; the union of all ids. By transaction: once it is COMPLETED."""
    rows = Batch.objects.filter(gateway=gateway, label__isnull=True, placed_at__isnull=False)
    if account is not None:
        rows = rows.filter(account=account)
    elif not transaction_ids and not batch_ids:
        raise Invalid("transactionId: or batchId is required with a guest's authtoken.")
    if transaction_ids or batch_ids:
        rows = rows.filter(_named(transaction_ids, batch_ids))
    newest = rows.select_related("transaction__account").order_by("-pk")[offset : offset + count]
    return list(newest.prefetch_related(_IN_ORDER))


def _named(transaction_ids: Sequence[str], batch_ids: Sequence[str]) -> Q:
    """Ids that are no ids name nothing."""
    completed = Q(
        transaction__transaction_id__in=[i for i in transaction_ids if is_transaction_id(i)],
        transaction__intent=Intent.TRANSACTION,
        transaction__status=TransactionStatus.COMPLETED,
    )
    return completed | Q(batch_id__in=[i for i in batch_ids if is_object_id(i)])


def order_of(gateway: Gateway, batch_id: str, ticker: str) -> Order:
    """The first order of this ticker in a batch of the gateway."""
    rows = Order.objects.select_related("batch__account").filter(batch__gateway=gateway, batch__batch_id=batch_id)
    found = rows.filter(ticker=ticker).order_by("position").first()
    if found is None:
        raise NotFound("There is no order of this ticker in a batch of this id.")
    return found
