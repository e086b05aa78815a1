"""Opens a checkout session, selects its broker, logs the user in, and ends it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, Max, Q
from django.db.transaction import atomic

from brokers.ports.registry import BROKERS, BrokerProfile
from gateway.models import Account
from gateway.values.errors import Conflict, Invalid, Unavailable
from transactions.checkout.broker_login import PinRefused, can_serve, log_in, log_in_again
from transactions.checkout.browser_binding import LoginWindow, digest, new_token
from transactions.domain.checkout_modes import MAX_PINS, Mode, Reason
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.statuses import TransactionStatus
from transactions.lifecycle.eligibility import reject_if_not_placeable
from transactions.lifecycle.transitions import TransactionUsed, check_live, end, expiry
from transactions.models import CheckoutSession, Transaction
from transactions.queries.order_context import order_context


class LockedOut(Conflict):
    """Too many wrong PINs; this transaction accepts no more logins."""


class NotThisStep(Conflict):
    """The form came from an outdated screen."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """The partner page's request for a session. `code_challenge` is the challenge of the page's secret."""

    mode: Mode
    origin: str
    code_challenge: str
    redirect_url: str = ""
    brokers: Sequence[str] = ()
    amo: bool = False


def open_session(
    *, transaction: Transaction, account: Account | None, session_request: SessionRequest, now: datetime
) -> tuple[CheckoutSession, str]:
    """The new session and its token, which is not stored. Binds a connected user, and replaces an earlier session.

    The number of PIN attempts is copied, so a new session gives no more guesses. Raises TransactionUsed.
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
    """The brokers that support the transaction and that the partner's page allows."""
    wanted = set(session.brokers or BROKERS)
    return [p for p in BROKERS.values() if p.key in wanted and can_serve(session.transaction, p)]


def choose_broker(*, session: CheckoutSession, broker: str) -> None:
    """Selects a broker; "" returns to the list. Raises Invalid, and NotThisStep for a connected user."""
    if broker and broker not in {profile.key for profile in choices_of_broker(session)}:
        raise Invalid("broker: is not one of the offered brokers.")
    _move(session, broker=broker, found_no_broker=False)


def find_no_broker(*, session: CheckoutSession) -> None:
    _move(session, broker="", found_no_broker=True)


def enter(
    *, session: CheckoutSession, client_id: str, pin: str, now: datetime, window: LoginWindow | None = None
) -> None:
    """Logs in, and ends a transaction whose order cannot be placed. Raises LockedOut, NotThisStep, as log_in raises."""
    if not session.broker:
        raise NotThisStep("Choose a broker before you log in.")
    transaction, window = session.transaction, window or LoginWindow(session.pk, new_token())
    with _attempt(session):
        log_in(transaction=transaction, broker=session.broker, client_id=client_id, pin=pin, now=now, window=window)
    if transaction.status == TransactionStatus.USED and transaction.intent == Intent.TRANSACTION:
        reject_if_not_placeable(order_context(transaction, now=now), amo=session.amo)


def enter_again(*, session: CheckoutSession, client_id: str, pin: str, now: datetime) -> None:
    """Logs in after the session at the broker has ended. The checkout keeps its URL: only its window has this form.

    Raises LockedOut, NotThisStep, as log_in_again raises.
    """
    if not may_enter_again(session):
        raise NotThisStep("This checkout needs no login.")
    with _attempt(session):
        log_in_again(transaction=session.transaction, client_id=client_id, pin=pin, now=now)


def may_enter_again(session: CheckoutSession) -> bool:
    """Whether the user has logged in, and the checkout has neither ended nor been locked."""
    is_logged_in = session.transaction.status in {TransactionStatus.USED, TransactionStatus.PROCESSING}
    return is_logged_in and session.ended_at is None and attempts_left(session) > 0


def attempts_left(session: CheckoutSession) -> int:
    return MAX_PINS - session.pin_attempts


def leave(*, session: CheckoutSession, reason: Reason, now: datetime) -> None:
    """Before the confirmation, ends the transaction with the code of the user's screen; afterwards only the session.

    Twice is safe: the first ending is kept. A replaced session does not end the transaction, and a session in which
    somebody has logged in meanwhile is not ended.
    """
    _end(session, expiry(session.transaction, now=now) or _code(session, reason), now)
    as_seen = CheckoutSession.objects.filter(pk=session.pk, login_token_digest=session.login_token_digest)
    if as_seen.filter(ended_at__isnull=True).update(ended_at=now):
        session.ended_at = now


def leave_before_login(*, session: CheckoutSession, now: datetime) -> None:
    """Ends the session for its opener whose window is closed. After the login only that window can end it."""
    if session.transaction.status == TransactionStatus.INITIALIZED:
        leave(session=session, reason=Reason.CLOSED, now=now)


def notice_expiry(*, session: CheckoutSession, now: datetime) -> None:
    """Ends an expired transaction that nobody has noticed yet."""
    if code := expiry(session.transaction, now=now):
        _end(session, code, now)


def _end(session: CheckoutSession, code: SdkCode, now: datetime) -> None:
    if not session.is_replaced:
        with atomic(durable=True):
            end(session.transaction, code, now=now)


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
    """Locks the transaction's row: of two concurrent sessions, the later replaces the earlier."""
    fresh = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.INITIALIZED)
    mine = fresh.filter(Q(account=None) | Q(account=account)) if account else fresh
    if not mine.update(account=account.pk if account else F("account"), updated_at=now):
        raise TransactionUsed
    transaction.account = account or transaction.account


def _move(session: CheckoutSession, *, broker: str, found_no_broker: bool) -> None:
    """Changes the broker if nobody has logged in and no account is bound. Raises NotThisStep."""
    free = CheckoutSession.objects.filter(
        pk=session.pk,
        ended_at__isnull=True,
        transaction__status=TransactionStatus.INITIALIZED,
        transaction__account__isnull=True,
    )
    if not free.update(broker=broker, found_no_broker=found_no_broker):
        raise NotThisStep("The broker can no longer be changed.")
    session.broker, session.found_no_broker = broker, found_no_broker


@contextmanager
def _attempt(session: CheckoutSession) -> Iterator[None]:
    """A login, counted unless it succeeds or the broker did not judge it. Raises LockedOut after the last wrong PIN."""
    _take_attempt(session)
    try:
        yield
    except PinRefused:
        if attempts_left(session) == 0:
            raise LockedOut("Too many wrong PINs.") from None
        raise
    except (Invalid, Unavailable):
        _give_back(session)
        raise
    _give_back(session)


def _take_attempt(session: CheckoutSession) -> None:
    """Counts the attempt before the broker is asked, so concurrent guesses do not exceed the limit."""
    mine = CheckoutSession.objects.filter(pk=session.pk, ended_at__isnull=True)
    if not mine.filter(pin_attempts__lt=MAX_PINS).update(pin_attempts=F("pin_attempts") + 1):
        raise LockedOut("Too many wrong PINs.") if mine.exists() else NotThisStep("This checkout has ended.")
    session.refresh_from_db(fields=["pin_attempts"])


def _give_back(session: CheckoutSession) -> None:
    CheckoutSession.objects.filter(pk=session.pk, pin_attempts__gt=0).update(pin_attempts=F("pin_attempts") - 1)
    session.pin_attempts -= 1
