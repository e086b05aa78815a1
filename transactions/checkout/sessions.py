"""A checkout is opened, led to a broker, logged in to, and left."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, Max, Q
from django.db.transaction import atomic

from brokers.ports.registry import BROKERS, BrokerProfile
from gateway.models import Account
from gateway.values.errors import Conflict, Invalid, Unavailable
from transactions.checkout.broker_login import PinRefused, can_serve, log_in, walk_away
from transactions.checkout.browser_binding import LoginWindow, digest, new_token
from transactions.domain.checkout_modes import Mode, Reason
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.statuses import TransactionStatus
from transactions.lifecycle.fail import LIVE, SdkError, TransactionUsed, check_live
from transactions.lifecycle.prechecks import reject_if_not_placeable
from transactions.models import CheckoutSession, Transaction

MAX_PINS: Final = 5


class LockedOut(Conflict):
    """Too many wrong PINs: this transaction takes no more of them."""


class NotThisStep(Conflict):
    """The screen that this came from is not the one the user should be on: it is out of date."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """Where the checkout is shown, and what the partner's page asks of it; `code_challenge` is of its secret."""

    mode: Mode
    origin: str
    code_challenge: str
    redirect_url: str = ""
    brokers: Sequence[str] = ()
    amo: bool = False


def open_session(
    *, transaction: Transaction, account: Account | None, session_request: SessionRequest, now: datetime
) -> tuple[CheckoutSession, str]:
    """The session and its token, which is not kept. A connected user is bound; an earlier session is replaced.

    The number of PINs tried goes on from there: opening another one gives no more guesses.
    """
    if transaction.status != TransactionStatus.INITIALIZED:
        raise TransactionUsed
    check_live(transaction, now=now)
    token = new_token()
    with atomic(durable=True):
        _bind(transaction, account, now)
        earlier = CheckoutSession.objects.filter(transaction=transaction)
        tried = earlier.aggregate(most=Max("pin_attempts"))["most"]
        earlier.filter(ended_at__isnull=True).update(ended_at=now, is_replaced=True)
        session = CheckoutSession.objects.create(
            token_digest=digest(token),
            transaction=transaction,
            code_challenge=session_request.code_challenge,
            mode=session_request.mode.value,
            origin=session_request.origin,
            redirect_url=session_request.redirect_url,
            brokers=list(session_request.brokers),
            amo=session_request.amo,
            broker=transaction.account.broker if transaction.account else "",
            pin_attempts=tried or 0,
            created_at=now,
        )
    return session, token


def choices_of_broker(session: CheckoutSession) -> list[BrokerProfile]:
    """Those that serve this transaction, and that the partner's page did not leave out."""
    wanted = set(session.brokers or BROKERS)
    return [p for p in BROKERS.values() if p.key in wanted and can_serve(session.transaction, p)]


def choose_broker(*, session: CheckoutSession, broker: str) -> None:
    """An empty one goes back to the choice. A connected user has none."""
    if broker and broker not in {profile.key for profile in choices_of_broker(session)}:
        raise Invalid("broker: is not one of those on offer.")
    _move(session, broker=broker, found_no_broker=False)


def find_no_broker(*, session: CheckoutSession) -> None:
    _move(session, broker="", found_no_broker=True)


def enter(
    *, session: CheckoutSession, client_id: str, pin: str, now: datetime, window: LoginWindow | None = None
) -> None:
    """The login; then, what speaks against the order already ends it here, and not after a user's deliberation."""
    if not session.broker:
        raise NotThisStep("There is no login before a broker is chosen.")
    _take_attempt(session)
    transaction, window = session.transaction, window or LoginWindow(session.pk, new_token())
    try:
        log_in(transaction=transaction, broker=session.broker, client_id=client_id, pin=pin, now=now, window=window)
    except PinRefused:
        if attempts_left(session) == 0:
            raise LockedOut("Too many wrong PINs.") from None
        raise
    except (Invalid, Unavailable):
        _give_back(session)
        raise
    _give_back(session)
    if transaction.status == TransactionStatus.USED:
        reject_if_not_placeable(transaction=transaction, amo=session.amo, now=now)


def attempts_left(session: CheckoutSession) -> int:
    return MAX_PINS - session.pin_attempts


def leave(*, session: CheckoutSession, reason: Reason, now: datetime) -> None:
    """Before the confirmation this ends the transaction, with a code for where the user was; afterwards nothing.

    Twice is once: of two endings the first is kept. A session that was replaced ends nothing but itself, and one
    that somebody has logged in to meanwhile is not ended.
    """
    if session.transaction.status in LIVE and not session.is_replaced:
        with suppress(SdkError):
            walk_away(transaction=session.transaction, code=_code(session, reason), now=now)
    as_seen = CheckoutSession.objects.filter(pk=session.pk, login_token_digest=session.login_token_digest)
    if as_seen.filter(ended_at__isnull=True).update(ended_at=now):
        session.ended_at = now


def leave_before_login(*, session: CheckoutSession, now: datetime) -> None:
    """By the page that opened it, whose window is gone. After the login only the window that logged in ends it."""
    if session.transaction.status == TransactionStatus.INITIALIZED:
        leave(session=session, reason=Reason.CLOSED, now=now)


def notice_expiry(*, session: CheckoutSession, now: datetime) -> None:
    """Its time may have passed without anybody coming to see that."""
    if session.transaction.status in LIVE and not session.is_replaced:
        with suppress(SdkError):
            check_live(session.transaction, now=now)


def _code(session: CheckoutSession, reason: Reason) -> SdkCode:
    transaction = session.transaction
    if transaction.status == TransactionStatus.USED:
        asks_consent = transaction.intent in {Intent.HOLDINGS_IMPORT, Intent.FETCH_FUNDS}
        denied = reason is Reason.DENIED and asks_consent
        return SdkCode.CONSENT_DENIED if denied else SdkCode.CANCELLED_AFTER_LOGIN
    if session.found_no_broker:
        return _WITHOUT_BROKER.get(reason, SdkCode.CLOSED_AT_NO_BROKER)
    if session.broker:
        return SdkCode.CANCELLED_BEFORE_LOGIN
    nothing = reason is Reason.NOTHING_TO_CHOOSE and not choices_of_broker(session)
    return SdkCode.INTENT_NOT_ENABLED if nothing else SdkCode.CANCELLED_AT_CHOOSER


_WITHOUT_BROKER: Final = {
    Reason.NOT_LISTED: SdkCode.BROKER_NOT_LISTED,
    Reason.WANTS_ACCOUNT: SdkCode.WANTS_ACCOUNT,
}


def _bind(transaction: Transaction, account: Account | None, now: datetime) -> None:
    """Locks the transaction's row: of two sessions opened at once the later replaces the earlier."""
    fresh = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.INITIALIZED)
    mine = fresh.filter(Q(account=None) | Q(account=account)) if account else fresh
    if not mine.update(account=account.pk if account else F("account"), updated_at=now):
        raise TransactionUsed
    transaction.account = account or transaction.account


def _move(session: CheckoutSession, *, broker: str, found_no_broker: bool) -> None:
    """Where no login was made yet, and none is expected of a certain account."""
    free = CheckoutSession.objects.filter(
        pk=session.pk,
        ended_at__isnull=True,
        transaction__status=TransactionStatus.INITIALIZED,
        transaction__account__isnull=True,
    )
    if not free.update(broker=broker, found_no_broker=found_no_broker):
        raise NotThisStep("There is no broker to be chosen any more.")
    session.broker, session.found_no_broker = broker, found_no_broker


def _take_attempt(session: CheckoutSession) -> None:
    """Counted before the broker is asked, so that guesses side by side are no more than guesses in a row."""
    mine = CheckoutSession.objects.filter(pk=session.pk, ended_at__isnull=True)
    if not mine.filter(pin_attempts__lt=MAX_PINS).update(pin_attempts=F("pin_attempts") + 1):
        raise LockedOut("Too many wrong PINs.") if mine.exists() else NotThisStep("This checkout has ended.")
    session.refresh_from_db(fields=["pin_attempts"])


def _give_back(session: CheckoutSession) -> None:
    CheckoutSession.objects.filter(pk=session.pk, pin_attempts__gt=0).update(pin_attempts=F("pin_attempts") - 1)
    session.pin_attempts -= 1
