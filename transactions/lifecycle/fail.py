"""Ends a transaction with an SDK code, once, and records the event for the partner."""

from datetime import datetime
from typing import Final, NoReturn

from django.db.transaction import atomic

from gateway.values.errors import ErrorType
from transactions.api import payloads
from transactions.domain.sdk_codes import ERROR_TYPES, MESSAGES, SdkCode, SdkRefusal
from transactions.domain.statuses import TransactionStatus
from transactions.models import Transaction
from webhooks.events.event_types import EventType
from webhooks.events.record_events import record_event

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


def fail(transaction: Transaction, code: SdkCode, *, now: datetime) -> NoReturn:
    """Ends the transaction as ERRORED and raises SdkError with `code`."""
    with atomic(durable=True):
        end(transaction, code, now=now)
    raise SdkError(code, transaction)


def end(transaction: Transaction, code: SdkCode, *, now: datetime) -> None:
    """Ends the transaction as ERRORED, in the caller's database transaction. Of two failures the first is kept.

    Only from the status that the caller has read, so a caller that lost against a login does not end the logged-in
    user's transaction. Raises TransactionUsed.
    """
    live = Transaction.objects.filter(pk=transaction.pk, status__in=LIVE)
    ended = {"status": TransactionStatus.ERRORED, "error_code": code, "error_message": MESSAGES[code]}
    if not live.filter(status=transaction.status).update(**ended, updated_at=now):
        raise TransactionUsed
    transaction.refresh_from_db()
    record_event(
        gateway=transaction.gateway,
        kind=EventType.TRANSACTION_ERRORED,
        subject=transaction.transaction_id,
        sequence=1,
        payload=payloads.transaction_errored(transaction),
        now=now,
    )


def check_live(transaction: Transaction, *, now: datetime) -> None:
    """Raises TransactionUsed for a used transaction; ends an expired one and raises SdkError."""
    if transaction.status not in LIVE:
        raise TransactionUsed
    if transaction.expires_at <= now:
        in_flow = transaction.status == TransactionStatus.USED
        fail(transaction, SdkCode.EXPIRED_IN_FLOW if in_flow else SdkCode.EXPIRED_OR_USED, now=now)
