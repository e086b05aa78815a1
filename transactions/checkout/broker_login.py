"""The user logs in at a broker, or leaves before the login."""

from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from django.db.models import Q
from django.db.transaction import atomic

from brokers.ports.broker import LiveSession, LoginEnded, OrderType, Refused, Unreachable
from brokers.ports.registry import BrokerProfile, adapter_for, profile_of
from brokers.user_questions import BrokerSilent
from gateway.models import Account
from gateway.values.errors import Conflict, Invalid
from gateway.values.ids import new_object_id
from transactions.checkout.browser_binding import LoginWindow, bind
from transactions.domain.basket import securities_of
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode, code_of
from transactions.domain.statuses import TransactionStatus
from transactions.execution.broker_sessions import start_session
from transactions.lifecycle.transitions import SdkError, TransactionUsed, account_of, check_live, end, expiry, fail
from transactions.models import Transaction


class PinRefused(Conflict):
    """The broker refused client id and PIN. The transaction has not changed."""


class OtherAccount(Conflict):
    """Another account than the one whose orders are open. Nothing has changed."""


def log_in(
    *,
    transaction: Transaction,
    broker: str,
    client_id: str,
    pin: str,
    now: datetime,
    window: LoginWindow | None = None,
) -> Transaction:
    """INITIALIZED becomes USED, or COMPLETED for a CONNECT. Another login with the same account starts a new session.

    `window` is the user's window, None for the sandbox's user. The account is created in the same transaction as the
    claim, so a failed login (wrong account, lost race, replaced window) creates no account. Raises PinRefused,
    SdkError, BrokerSilent, and Invalid for a test PIN that forces an unknown code.
    """
    check_live(transaction, now=now)
    profile = profile_of(broker)
    if not can_serve(transaction, profile):
        fail(transaction, SdkCode.INTENT_NOT_ENABLED, now=now)
    login = _login_at_broker(transaction, broker, client_id, pin, now)
    if not _is_account_of(transaction, login):
        _end_for_another(transaction, window, now)
    with atomic(durable=True):
        if transaction.status == TransactionStatus.INITIALIZED:
            _claim(transaction, login, window, now)
        start_session(account_of(transaction), login, now=now)
    return transaction


def log_in_again(*, transaction: Transaction, client_id: str, pin: str, now: datetime) -> None:
    """Starts a session of the transaction's account, after the last one has ended. The transaction does not change.

    Before the confirmation, the login of another account ends it, like the first login. Raises PinRefused, SdkError,
    BrokerSilent, Invalid as log_in, and OtherAccount after the confirmation.
    """
    is_confirmed = transaction.status == TransactionStatus.PROCESSING
    if not is_confirmed:
        check_live(transaction, now=now)
    account = account_of(transaction)
    login = _login_at_broker(transaction, account.broker, client_id, pin, now)
    if not _is_account_of(transaction, login):
        if is_confirmed:
            raise OtherAccount("Log in with the account that the orders were placed from.")
        _end_for_another(transaction, None, now)
    with atomic(durable=True):
        start_session(account, login, now=now)


def walk_away(*, transaction: Transaction, code: SdkCode, now: datetime) -> NoReturn:
    """Ends the transaction when the user closes the checkout or finds no broker. Raises SdkError with `code`."""
    fail(transaction, expiry(transaction, now=now) or code, now=now)


def can_serve(transaction: Transaction, profile: BrokerProfile) -> bool:
    """Whether the broker supports the transaction's intent and order types."""
    plain = all(s.order_type is OrderType.MARKET for s in securities_of(transaction.order_config))
    lacking = {
        Intent.TRANSACTION: not plain and not profile.limit_orders,
        Intent.HOLDINGS_IMPORT: not profile.holdings_import,
        Intent.SIP_SETUP: not profile.sip,
    }
    return not lacking.get(Intent(transaction.intent), False)


def _login_at_broker(transaction: Transaction, broker: str, client_id: str, pin: str, now: datetime) -> LiveSession:
    try:
        return adapter_for(broker).login(
            gateway=transaction.gateway_id, broker=broker, client_id=client_id, pin=pin, now=now
        )
    except Refused:
        raise PinRefused("The broker refused this client id and PIN.") from None
    except Unreachable:
        raise BrokerSilent(broker) from None
    except LoginEnded as ended:
        code = code_of(ended.code)
    if code is None:
        raise Invalid("pin: is not an error code of the SDK.")
    return fail(transaction, code, now=now)


def _is_account_of(transaction: Transaction, login: LiveSession) -> bool:
    """Compares the broker's answer with the bound account, before an account is created."""
    bound = transaction.account
    return bound is None or (bound.broker, bound.client_id) == (login.broker, login.client_id)


def _end_for_another(transaction: Transaction, window: LoginWindow | None, now: datetime) -> NoReturn:
    """Ends the transaction. The login still binds the window: only that window gets more than the code."""
    with atomic(durable=True):
        if not end(transaction, SdkCode.USER_MISMATCH, now=now):
            raise TransactionUsed
        if window:
            bind(replace(window, network=""))  # the network does not belong to the bound account
    raise SdkError(SdkCode.USER_MISMATCH, transaction)


def _claim(transaction: Transaction, login: LiveSession, window: LoginWindow | None, now: datetime) -> None:
    """Locks the transaction's row, like open_session: a login and a new session at once see each other."""
    Transaction.objects.select_for_update().get(pk=transaction.pk)
    if window:
        bind(window)
    account, is_new = Account.objects.get_or_create(
        gateway=transaction.gateway,
        broker=login.broker,
        client_id=login.client_id,
        defaults={"auth_id": new_object_id(), "created_at": now},
    )
    _use(transaction, account, login, is_new=is_new, now=now)


def _use(transaction: Transaction, account: Account, login: LiveSession, *, is_new: bool, now: datetime) -> None:
    done = transaction.intent == Intent.CONNECT
    status = TransactionStatus.COMPLETED if done else TransactionStatus.USED
    fresh = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.INITIALIZED)
    mine = fresh.filter(
        Q(account=None) | Q(account=account)
    )  # a connected user's session may have bound the account meanwhile
    used = mine.update(
        status=status,
        account=account,
        is_new_user=is_new,
        logged_in_at=now,
        updated_at=now,
        completed_at=now if done else None,
    )
    transaction.refresh_from_db()
    if not used and (done or transaction.account_id != account.pk):
        raise TransactionUsed
