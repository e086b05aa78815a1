"""The sandbox's user: takes the steps of the checkout like a person, and may stop at any step."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.values.errors import Invalid
from transactions.checkout.broker_login import log_in, walk_away
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.statuses import BatchStatus, TransactionStatus
from transactions.models import Batch, Transaction

PLACED_WITHIN: Final = 2.0  # seconds; the SDK responds when the orders are placed
PAUSE: Final = 0.05


class StopAt(StrEnum):
    CHOOSER = "chooser"
    LOGIN = "login"
    CONFIRMATION = "confirmation"
    NO_BROKER = "no-broker"


_BEFORE_LOGIN: Final = {
    StopAt.CHOOSER: SdkCode.CANCELLED_AT_CHOOSER,
    StopAt.LOGIN: SdkCode.CANCELLED_BEFORE_LOGIN,
    StopAt.NO_BROKER: SdkCode.BROKER_NOT_LISTED,
}


@dataclass(frozen=True, slots=True)
class User:
    broker: str | None = None
    client_id: str | None = None
    pin: str = "1234"
    selections: UserSelections = field(default_factory=UserSelections)
    stop_at: StopAt | None = None


def complete(*, transaction: Transaction, user: User, now: datetime) -> None:
    """Goes from the chooser to the confirmation; repeatable after the login. Raises SdkError at `stop_at`."""
    if user.stop_at in _BEFORE_LOGIN:
        walk_away(transaction=transaction, code=_BEFORE_LOGIN[user.stop_at], now=now)
    broker, client_id = _account_named(transaction, user)
    log_in(transaction=transaction, broker=broker, client_id=client_id, pin=user.pin, now=now)
    if transaction.intent == Intent.CONNECT:
        return
    if user.stop_at is StopAt.CONFIRMATION:
        walk_away(transaction=transaction, code=SdkCode.CANCELLED_AFTER_LOGIN, now=now)
    confirm(transaction=transaction, selections=user.selections, now=now)


def wait(transaction: Transaction, *, seconds: float) -> None:
    """Waits until no order is open, at most `seconds`; always waits up to PLACED_WITHIN for the placement."""
    began = time.monotonic()
    while _waits_on(transaction, time.monotonic() - began, seconds):
        time.sleep(PAUSE)  # a worker does the work
    transaction.refresh_from_db()


def _waits_on(transaction: Transaction, waited: float, seconds: float) -> bool:
    batches = Batch.objects.filter(transaction=transaction)
    if waited < PLACED_WITHIN and batches.filter(status=BatchStatus.QUEUED).exists():
        return True
    confirmed = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.PROCESSING)
    return waited < seconds and confirmed.exists()


def _account_named(transaction: Transaction, user: User) -> tuple[str, str]:
    known = transaction.account
    broker = user.broker or (known and known.broker)
    client_id = user.client_id or (known and known.client_id)
    missing = [f"{name}: is required." for name, value in (("broker", broker), ("clientId", client_id)) if not value]
    if not broker or not client_id:
        raise Invalid(*missing)
    return broker, client_id
