"""A transaction ends with an SDK code, once; its partner hears of it."""

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
    """What `triggerTransaction` rejects with."""

    def __init__(self, code: SdkCode, transaction: Transaction | None = None) -> None:
        super().__init__(MESSAGES[code])
        self.code, self.transaction = code, transaction
        self.error_type = ERROR_TYPES.get(code, ErrorType.CONFLICT)


class TransactionUsed(SdkError):
    """Single use: it was confirmed, or ended, before."""

    def __init__(self) -> None:
        super().__init__(SdkCode.EXPIRED_OR_USED)
        self.sentences = ("This transaction was used already.",)
        self.error_type = ErrorType.TRANSACTION_USED


def fail(transaction: Transaction, code: SdkCode, *, now: datetime) -> NoReturn:
    """ERRORED with `code`, and raise it."""
    with atomic(durable=True):
        end(transaction, code, now=now)
    raise SdkError(code, transaction)


def end(transaction: Transaction, code: SdkCode, *, now: datetime) -> None:
    """ERRORED with `code`, in the caller's database transaction. Of two failures the first is kept.

    Only from the status that the caller judged by: who lost against a login ends nothing of whoever logged in.
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
    """Raises for one that was used, and ends one whose time has passed."""
    if transaction.status not in LIVE:
        raise TransactionUsed
    if transaction.expires_at <= now:
        in_flow = transaction.status == TransactionStatus.USED
        fail(transaction, SdkCode.EXPIRED_IN_FLOW if in_flow else SdkCode.EXPIRED_OR_USED, now=now)
