"""Queries of transactions, sessions and batches. Each filters by gateway first, and by the caller's account."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from gateway.database.lookups import first_or_not_found
from gateway.models import Account, Gateway
from gateway.values.errors import Invalid, NotFound
from gateway.values.ids import is_object_id, is_transaction_id
from smallcases.models import Version
from transactions import sql
from transactions.domain.intents import CANCELLATIONS, Intent
from transactions.domain.sdk_codes import SdkCode, SdkRefusal
from transactions.domain.statuses import TransactionStatus
from transactions.models import Batch, CheckoutSession, HoldingsSnapshot, Order, Transaction
from transactions.queries.order_charges import read_charges

CONFIRMED: Final = frozenset({TransactionStatus.PROCESSING, TransactionStatus.COMPLETED})


class UnknownTransaction(SdkRefusal, NotFound):
    """The transaction does not exist, or belongs to somebody else."""

    code = SdkCode.UNKNOWN_TRANSACTION

    def __init__(self) -> None:
        super().__init__("There is no transaction with this id.")


def transaction_of(gateway: Gateway, transaction_id: str, *, account: Account | None = None) -> Transaction:
    """`account`: the connected caller, who sees their own transactions and unbound ones. Raises UnknownTransaction."""
    rows = Transaction.objects.select_related("account").filter(gateway=gateway, transaction_id=transaction_id)
    return _of_caller(rows.first() if is_transaction_id(transaction_id) else None, gateway, account)


def transaction_and_orders(
    gateway: Gateway, transaction_id: str, *, account: Account | None = None
) -> tuple[Transaction, list[Order]]:
    """As transaction_of and orders_of, with the batch loaded once instead of with each order."""
    is_one = is_transaction_id(transaction_id)
    found, batch = sql.transaction_and_batch(gateway.pk, transaction_id) if is_one else (None, None)
    transaction = _of_caller(found, gateway, account)
    if batch is None or transaction.intent != Intent.TRANSACTION or transaction.status not in CONFIRMED:
        return transaction, orders_of(transaction)
    read_versions([batch])
    orders = sql.shown_orders_of([batch.pk])
    for order in orders:
        order.batch = batch
    read_charges(orders)
    return transaction, orders


def read_versions(batches: Iterable[Batch]) -> None:
    """Gives batches of smallcase orders their versions and smallcases; no query where there are none."""
    mine = [batch for batch in batches if batch.version_id]
    if mine:
        versions = Version.objects.select_related("smallcase").in_bulk({batch.version_id for batch in mine})
        for batch in mine:
            batch.version = versions[batch.version_id]


def _of_caller(found: Transaction | None, gateway: Gateway, account: Account | None) -> Transaction:
    if found is None or (account is not None and found.account_id not in {None, account.pk}):
        raise UnknownTransaction
    found.gateway = gateway
    return found


def session_of(
    gateway: Gateway, session_id: str, *, origin: str, account: Account | None = None
) -> CheckoutSession | None:
    """The session, for the origin that opened it; None otherwise."""
    rows = _sessions().filter(transaction__gateway=gateway, session_id=session_id, origin=origin)
    found = rows.first()
    if found is None or (account is not None and found.transaction.account_id not in {None, account.pk}):
        return None
    return found


def session_at(token_digest: str) -> CheckoutSession | None:
    """The session at this URL, before or after the login. Sessions without a challenge (older release) are over."""
    at = Q(token_digest=token_digest) | Q(login_token_digest=token_digest)
    return _sessions().exclude(code_challenge="").filter(at).first()


def has_logged_in_from(gateway: Gateway, broker: str, client_id: str, network: str) -> bool:
    """Whether the account has logged in from this network before."""
    accounts = Account.objects.filter(gateway=gateway, broker=broker, client_id=client_id)
    return CheckoutSession.objects.filter(transaction__account__in=accounts, login_network=network).exists()


def _sessions() -> QuerySet[CheckoutSession]:
    return CheckoutSession.objects.select_related("transaction__gateway", "transaction__account")


def is_expired(transaction: Transaction, now: datetime) -> bool:
    """Whether the transaction expired before its confirmation, also if nothing has ended it yet."""
    if transaction.status in {TransactionStatus.INITIALIZED, TransactionStatus.USED}:
        return transaction.expires_at <= now
    return transaction.error_code in {SdkCode.EXPIRED_IN_FLOW, SdkCode.EXPIRED_OR_USED}


def orders_of(transaction: Transaction) -> list[Order]:
    """Orders in the basket's order, with their charges; for a cancellation, those of its batches.

    One query, a second one if something has filled; none before the confirmation.
    """
    if transaction.status not in CONFIRMED:
        return []
    if transaction.intent in CANCELLATIONS:
        cancelled = Batch.objects.filter(orders__cancelled_by=transaction)
        orders = list(_orders("batch__transaction__account").filter(batch__in=cancelled))
    elif transaction.intent == Intent.TRANSACTION:
        orders = list(_orders().filter(batch__transaction=transaction))
        for order in orders:
            order.batch = orders[0].batch
            order.batch.transaction = transaction
    else:
        return []
    read_charges(orders)
    return orders


def _orders(*related: str) -> QuerySet[Order]:
    return Order.objects.select_related("batch__version__smallcase", *related).order_by("position")


BatchAndOrders = tuple[Batch, list[Order]]


@dataclass(frozen=True, slots=True)
class OrderHistoryQuery:
    """A page of the batches with any of these ids."""

    transaction_ids: Sequence[str] = ()
    batch_ids: Sequence[str] = ()
    iscids: Sequence[str] = ()
    offset: int = 0
    count: int = 50

    @property
    def names_any(self) -> bool:
        return bool(self.transaction_ids or self.batch_ids or self.iscids)


def batches_and_orders(
    gateway: Gateway, account: Account | None, query: OrderHistoryQuery, *, of_smallcases: bool
) -> list[BatchAndOrders]:
    """Placed batches, newest first. By transaction id only if the transaction is COMPLETED. Raises Invalid."""
    if account is None and not query.names_any:
        raise Invalid("transactionId: or batchId is required with a guest's authtoken.")
    # Malformed ids match nothing.
    ids = {
        "transaction_ids": [i for i in query.transaction_ids if is_transaction_id(i)],
        "batch_ids": [i for i in query.batch_ids if is_object_id(i)],
        "iscids": [i for i in query.iscids if is_object_id(i)],
    }
    if query.names_any and not any(ids.values()):
        return []
    found = sql.placed_batches(
        gateway=gateway.pk,
        account=account.pk if account else None,
        of_smallcases=of_smallcases,
        page=range(query.offset, query.offset + query.count),
        **ids,
    )
    read_versions(found)
    orders: dict[int, list[Order]] = {batch.pk: [] for batch in found}
    shown = sql.shown_orders_of(orders)
    read_charges(shown)
    for order in shown:
        orders[order.batch_id].append(order)
    return [(batch, orders[batch.pk]) for batch in found]


def order_of(gateway: Gateway, batch_id: str, ticker: str) -> Order:
    """The first order of this ticker in the gateway's batch. Raises NotFound."""
    rows = Order.objects.select_related("batch__account").filter(batch__gateway=gateway, batch__batch_id=batch_id)
    sentence = "There is no order for this ticker in a batch with this id."
    return first_or_not_found(rows.filter(ticker=ticker).order_by("position"), sentence)


def snapshot_of(account: Account) -> HoldingsSnapshot:
    """The last imported holdings; holdings are never read without the user's consent. Raises NotFound."""
    sentence = "This user's holdings were never imported. Ask for consent with a HOLDINGS_IMPORT."
    return first_or_not_found(HoldingsSnapshot.objects.filter(account=account), sentence)
