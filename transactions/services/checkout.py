"""The user comes to a broker, and logs in or walks away."""

from datetime import datetime

from django.db.transaction import atomic

from brokers.port import LinkDown, Login, LoginEnded, LoginRefused, OrderType
from brokers.registry import BrokerProfile, adapter_for, profile_of
from gateway.errors import Conflict, Invalid, Unavailable
from gateway.ids import new_object_id
from gateway.models import Account
from gateway.vault import seal
from transactions.baskets import securities_of
from transactions.intents import Intent
from transactions.models import CheckoutSession, Transaction
from transactions.sdk import SdkCode, code_of
from transactions.services.failing import TransactionUsed, check_live, fail
from transactions.states import TransactionStatus


class PinRefused(Conflict):
    """The broker did not let the user in; the transaction is as it was."""


def log_in(
    *, transaction: Transaction, broker: str, client_id: str, pin: str, now: datetime, through: int | None = None
) -> Transaction:
    """INITIALIZED becomes USED; a CONNECT is COMPLETED with it. Again by the same account: nothing changes.

    `through`: the checkout session that it is made in. One that was replaced while the broker was asked logs nobody
    in, or the window that replaced it would go on as a user who never came to it.
    """
    check_live(transaction, now=now)
    profile = profile_of(broker)
    if not can_serve(transaction, profile):
        fail(transaction, SdkCode.INTENT_NOT_ENABLED, now=now)
    login = _login_at_broker(transaction, broker, client_id, pin, now)
    account, is_new = Account.objects.get_or_create(
        gateway=transaction.gateway,
        broker=broker,
        client_id=client_id,
        defaults={"auth_id": new_object_id(), "created_at": now},
    )
    if transaction.account_id not in {None, account.pk}:
        fail(transaction, SdkCode.USER_MISMATCH, now=now)
    if transaction.status == TransactionStatus.INITIALIZED:
        with atomic(durable=True):
            _check_open(transaction, through)
            _use(transaction, account, login, is_new=is_new, now=now)
    return transaction


def walk_away(*, transaction: Transaction, code: SdkCode, now: datetime) -> None:
    """The user closed the checkout, or found no broker; raises what the SDK rejects with."""
    check_live(transaction, now=now)
    fail(transaction, code, now=now)


def can_serve(transaction: Transaction, profile: BrokerProfile) -> bool:
    """What the broker cannot do, it is not asked for."""
    plain = all(s.order_type is OrderType.MARKET for s in securities_of(transaction.order_config))
    lacking = {
        Intent.TRANSACTION: not plain and not profile.limit_orders,
        Intent.HOLDINGS_IMPORT: not profile.holdings_import,
        Intent.SIP_SETUP: not profile.sip,
    }
    return not lacking.get(Intent(transaction.intent), False)


def _login_at_broker(transaction: Transaction, broker: str, client_id: str, pin: str, now: datetime) -> Login:
    try:
        return adapter_for(broker).login(
            gateway=transaction.gateway_id, broker=broker, client_id=client_id, pin=pin, now=now
        )
    except LoginRefused:
        raise PinRefused("The broker refused this client id and PIN.") from None
    except LinkDown:
        raise Unavailable("The broker does not answer; try again.") from None
    except LoginEnded as ended:
        code = code_of(ended.code)
    if code is None:
        raise Invalid("pin: this number is not an error code of the SDK.")
    return fail(transaction, code, now=now)


def _check_open(transaction: Transaction, session: int | None) -> None:
    """Locks the transaction's row, as whoever opens another session does: of the two, one sees the other."""
    Transaction.objects.select_for_update().get(pk=transaction.pk)
    if session is not None and not CheckoutSession.objects.filter(pk=session, ended_at__isnull=True).exists():
        raise TransactionUsed


def _use(transaction: Transaction, account: Account, login: Login, *, is_new: bool, now: datetime) -> None:
    done = transaction.intent == Intent.CONNECT
    status = TransactionStatus.COMPLETED if done else TransactionStatus.USED
    fresh = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.INITIALIZED)
    used = fresh.update(
        status=status,
        account=account,
        is_new_user=is_new,
        sealed_login=seal(login.token),
        updated_at=now,
        completed_at=now if done else None,
    )
    transaction.refresh_from_db()
    if not used and (done or transaction.account_id != account.pk):
        raise TransactionUsed
