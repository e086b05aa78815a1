"""What every confirmation begins with: the claim, the account, the broker's session."""

from datetime import datetime

from brokers.ports.broker import Login
from gateway.database.encryption import decrypt
from gateway.models import Account
from transactions.domain.statuses import TransactionStatus
from transactions.lifecycle.fail import TransactionUsed
from transactions.models import Transaction


def claim(transaction: Transaction, *, now: datetime) -> None:
    """The UPDATE is the check: of two taps on the button one wins."""
    ready = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.USED, expires_at__gt=now)
    if not ready.update(status=TransactionStatus.PROCESSING, updated_at=now):
        raise TransactionUsed
    transaction.status, transaction.updated_at = TransactionStatus.PROCESSING.value, now


def complete_now(transaction: Transaction, *, now: datetime, outcome: object = None) -> None:
    """For what needs no worker: PROCESSING becomes COMPLETED in the claim's own transaction."""
    done = {"status": TransactionStatus.COMPLETED.value, "completed_at": now, "updated_at": now, "outcome": outcome}
    Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.PROCESSING).update(**done)
    transaction.refresh_from_db()


def account_of(transaction: Transaction) -> Account:
    """Whoever logged in."""
    if transaction.account is None:
        raise TransactionUsed
    return transaction.account


def login_of(transaction: Transaction, account: Account) -> Login:
    """The broker's session that the user opened for this transaction."""
    return Login(
        gateway=transaction.gateway_id,
        broker=account.broker,
        client_id=account.client_id,
        token=decrypt(transaction.encrypted_login),
    )
