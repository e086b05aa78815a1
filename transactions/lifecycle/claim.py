"""The start of every confirmation: the claim, the account and the broker session."""

from datetime import datetime

from brokers.ports.broker import Login
from gateway.database.encryption import decrypt
from gateway.models import Account
from transactions.domain.statuses import TransactionStatus
from transactions.lifecycle.fail import TransactionUsed
from transactions.models import Transaction


def claim(transaction: Transaction, *, now: datetime) -> None:
    """USED becomes PROCESSING. The UPDATE is the check: of two taps on the button, one wins. Raises TransactionUsed."""
    ready = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.USED, expires_at__gt=now)
    if not ready.update(status=TransactionStatus.PROCESSING, updated_at=now):
        raise TransactionUsed
    transaction.status, transaction.updated_at = TransactionStatus.PROCESSING.value, now


def complete_now(transaction: Transaction, *, now: datetime, outcome: object = None) -> None:
    """PROCESSING becomes COMPLETED in the claim's database transaction, for transactions that need no worker."""
    done = {"status": TransactionStatus.COMPLETED.value, "completed_at": now, "updated_at": now, "outcome": outcome}
    Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.PROCESSING).update(**done)
    transaction.refresh_from_db()


def account_of(transaction: Transaction) -> Account:
    """The account of the user who logged in. Raises TransactionUsed without one."""
    if transaction.account is None:
        raise TransactionUsed
    return transaction.account


def login_of(transaction: Transaction, account: Account) -> Login:
    """The broker session of this transaction's login. Raises InvalidToken if no key decrypts it."""
    return Login(
        gateway=transaction.gateway_id,
        broker=account.broker,
        client_id=account.client_id,
        token=decrypt(transaction.encrypted_login),
    )
