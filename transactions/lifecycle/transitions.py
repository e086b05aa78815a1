"""The statuses that a transaction takes before a worker has it: claimed, completed at once, or ended. Nothing else ends
a transaction: checks return an objection, and the service that called the check ends the transaction here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from django.db.transaction import atomic

from gateway.models import Account
from gateway.values.errors import ErrorType, GatewayError
from transactions.api import payloads
from transactions.domain.sdk_codes import ERROR_TYPES, MESSAGES, SdkCode, SdkRefusal
from transactions.domain.statuses import TransactionStatus
from transactions.models import Transaction
from webhooks.events.event_types import EventType
from webhooks.events.record_events import EventDraft, record_events

LIVE: Final = frozenset({TransactionStatus.INITIALIZED, TransactionStatus.USED})


class SdkError(SdkRefusal):
    """An error that `triggerTransaction` rejects with."""

    def __init__(self, code: SdkCode, transaction: Transaction | None = None) -> None:
        super().__init__(MESSAGES[code])
        self.code, self.transaction = code, transaction
        self.error_type = ERROR_TYPES.get(code, ErrorType.CONFLICT)


class TransactionUsed(SdkError):
    """The transaction was already confirmed or has ended."""

    def __init__(self) -> None:
        super().__init__(SdkCode.EXPIRED_OR_USED)
        self.sentences = ("This transaction has already been used.",)
        self.error_type = ErrorType.TRANSACTION_USED


class ActionRequired(GatewayError):
    """Another action must come first."""

    error_type = ErrorType.ACTION_REQUIRED


def check_live(transaction: Transaction, *, now: datetime) -> None:
    """Raises TransactionUsed for a used transaction; ends an expired one and raises SdkError."""
    if transaction.status not in LIVE:
        raise TransactionUsed
    if code := expiry(transaction, now=now):
        fail(transaction, code, now=now)


def expiry(transaction: Transaction, *, now: datetime) -> SdkCode | None:
    """The code for an expired live transaction; None for any other."""
    if transaction.status not in LIVE or transaction.expires_at > now:
        return None
    return SdkCode.EXPIRED_IN_FLOW if transaction.status == TransactionStatus.USED else SdkCode.EXPIRED_OR_USED


def refuse(transaction: Transaction, objection: SdkRefusal | ActionRequired, *, now: datetime) -> NoReturn:
    """Ends the transaction for a check's objection. Raises SdkError with its code, ActionRequired, TransactionUsed."""
    if isinstance(objection, SdkRefusal):
        fail(transaction, objection.code, now=now)
    used = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.USED)
    if not used.update(status=TransactionStatus.ACTION_REQUIRED, updated_at=now):
        raise TransactionUsed
    transaction.refresh_from_db()
    raise objection


def fail(transaction: Transaction, code: SdkCode, *, now: datetime) -> NoReturn:
    """Ends the transaction as ERRORED. Raises SdkError with `code`, or TransactionUsed if it had ended before."""
    with atomic(durable=True):
        ended = end(transaction, code, now=now)
    raise SdkError(code, transaction) if ended else TransactionUsed


def end(transaction: Transaction, code: SdkCode, *, now: datetime) -> bool:
    """Ends the transaction as ERRORED, in the caller's database transaction. Of two failures the first is kept: False.

    Only from the status that the caller has read, so a caller that lost against a login ends nothing.
    """
    as_judged = Transaction.objects.filter(pk=transaction.pk, status=transaction.status)
    ended = {"status": TransactionStatus.ERRORED, "error_code": code, "error_message": MESSAGES[code]}
    if transaction.status not in LIVE or not as_judged.update(**ended, updated_at=now):
        return False
    transaction.refresh_from_db()
    announce(transaction, EventType.TRANSACTION_ERRORED, payloads.transaction_errored(transaction), now=now)
    return True


def announce(transaction: Transaction, kind: EventType, payload: Mapping[str, Any], *, now: datetime) -> None:
    """Records the one event that has this transaction as its subject."""
    gateway, subject = transaction.gateway, transaction.transaction_id
    record_events(EventDraft(gateway=gateway, kind=kind, subject=subject, sequence=1, payload=payload, now=now))


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
