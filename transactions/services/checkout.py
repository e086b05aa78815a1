"""The user's part: log in at a broker, confirm, or walk away."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db.transaction import atomic

from brokers.calendar import market_of
from brokers.port import LinkDown, Login, LoginEnded, LoginRefused, OrderType, Side, Variety
from brokers.registry import BrokerProfile, adapter_for, profile_of
from gateway import clock, work
from gateway.errors import Conflict, Invalid, Unavailable
from gateway.ids import new_object_id
from gateway.jobs import Job, ring
from gateway.models import Account
from gateway.vault import seal, unseal
from transactions.baskets import Line, Security, securities_of
from transactions.intents import Intent
from transactions.models import Batch, Order, Transaction
from transactions.sdk import SdkCode, code_of
from transactions.services.failing import TransactionUsed, check_live, fail
from transactions.services.waking import wake
from transactions.states import OrderStatus, TransactionStatus


class PinRefused(Conflict):
    """The broker did not let the user in; the transaction is as it was."""


class NotLoggedIn(Conflict):
    """There is no confirmation before the login."""


class _ClosedMeanwhile(Exception):
    """The order that was to be cancelled is no longer open; nothing is claimed."""


def log_in(*, transaction: Transaction, broker: str, client_id: str, pin: str, now: datetime) -> Transaction:
    """INITIALIZED becomes USED; a CONNECT is COMPLETED with it. Again by the same account: nothing changes."""
    check_live(transaction, now=now)
    profile = profile_of(broker)
    _check_enabled(transaction, profile, now)
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
        _use(transaction, account, login, is_new=is_new, now=now)
    return transaction


def confirm(*, transaction: Transaction, chosen: Mapping[str, Security], amo: bool, now: datetime) -> Transaction:
    """USED becomes PROCESSING, once; the orders placed are the basket's, with what the user chose filled in."""
    check_live(transaction, now=now)
    if transaction.status != TransactionStatus.USED:
        raise NotLoggedIn("The user has not logged in at a broker yet.")
    if transaction.intent == Intent.CANCEL_ORDER:
        _confirm_cancellation(transaction, now)
        return transaction
    basket = _complete(securities_of(transaction.order_config), chosen)
    variety = _variety(transaction, amo, now)
    _check_holdings(transaction, basket, now)
    with atomic(durable=True):
        _claim(transaction, now)
        _queue_batch(transaction, basket, variety, now)
    return transaction


def walk_away(*, transaction: Transaction, code: SdkCode, now: datetime) -> None:
    """The user closed the checkout, or found no broker; raises what the SDK rejects with."""
    check_live(transaction, now=now)
    fail(transaction, code, now=now)


def login_of(transaction: Transaction, account: Account) -> Login:
    """The broker's session that the user opened for this transaction."""
    return Login(
        gateway=transaction.gateway_id,
        broker=account.broker,
        client_id=account.client_id,
        token=unseal(transaction.sealed_login),
    )


def _check_enabled(transaction: Transaction, profile: BrokerProfile, now: datetime) -> None:
    plain = all(s.order_type is OrderType.MARKET for s in securities_of(transaction.order_config))
    if not plain and not profile.limit_orders:
        fail(transaction, SdkCode.INTENT_NOT_ENABLED, now=now)


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


def _complete(basket: Sequence[Security], chosen: Mapping[str, Security]) -> list[Line]:
    """Every line with its quantity and side; what the partner has fixed is not for the user to choose."""
    stray = sorted(chosen.keys() - {line.ticker for line in basket})
    problems = [f"securities: {ticker} is not in the basket." for ticker in stray]
    problems += [problem for line in basket for problem in _unsettled(line, chosen.get(line.ticker))]
    lines = [_settled(line, chosen.get(line.ticker, line)) for line in basket]
    if problems:
        raise Invalid(*problems)
    return [line for line in lines if line]


def _unsettled(line: Security, choice: Security | None) -> Iterator[str]:
    for name in ("quantity", "side"):
        fixed, wished = getattr(line, name), getattr(choice, name, None)
        if fixed is None and wished is None:
            yield f"securities: choose the {name} of {line.ticker}."
        if fixed is not None and wished not in {None, fixed}:
            yield f"securities: the {name} of {line.ticker} is fixed."


def _settled(line: Security, choice: Security) -> Line | None:
    quantity, side = line.quantity or choice.quantity, line.side or choice.side
    return Line(line, quantity, side) if quantity and side else None


def _variety(transaction: Transaction, amo: bool, now: datetime) -> Variety:
    """Regular while the market is open; AMO when it is closed, asked for and offered; else the user is told."""
    if market_of(transaction.gateway, now=now).is_open(now):
        return Variety.REGULAR
    if not (amo and profile_of(_account(transaction).broker).amo):
        fail(transaction, SdkCode.MARKET_CLOSED, now=now)
    return Variety.AMO


def _check_holdings(transaction: Transaction, basket: Sequence[Line], now: datetime) -> None:
    sells = {line.security.ticker: line.quantity for line in basket if line.side is Side.SELL}
    if not sells:
        return
    account = _account(transaction)
    login = login_of(transaction, account)
    held = {h.ticker: h.quantity for h in adapter_for(account.broker).holdings(login, now=now, tickers=list(sells))}
    if any(held.get(ticker, 0) < quantity for ticker, quantity in sells.items()):
        fail(transaction, SdkCode.INSUFFICIENT_HOLDINGS, now=now)


def _claim(transaction: Transaction, now: datetime) -> None:
    """The UPDATE is the check."""
    ready = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.USED, expires_at__gt=now)
    if not ready.update(status=TransactionStatus.PROCESSING, updated_at=now):
        raise TransactionUsed
    transaction.status, transaction.updated_at = TransactionStatus.PROCESSING.value, now


def _queue_batch(transaction: Transaction, basket: Sequence[Line], variety: Variety, now: datetime) -> None:
    batch = Batch.objects.create(
        gateway=transaction.gateway,
        transaction=transaction,
        account=_account(transaction),
        variety=variety.value,
        created_at=now,
        due_at=now,
        leased_until=work.first_offer(clock.wall_at(transaction.gateway, now)),
    )
    Order.objects.bulk_create(_order(batch, position, line) for position, line in enumerate(basket))
    ring(Job.PLACE_BATCH, row=batch.pk, attempt=0)


def _order(batch: Batch, position: int, line: Line) -> Order:
    security = line.security
    return Order(
        batch=batch,
        position=position,
        ticker=security.ticker,
        side=line.side.value,
        quantity=line.quantity,
        order_type=security.order_type.value,
        validity=security.validity.value,
        price=security.price,
        trigger_price=security.trigger_price,
    )


def _confirm_cancellation(transaction: Transaction, now: datetime) -> None:
    """The wish is written on the order, and its batch woken: the worker that looks after it asks the broker."""
    batch_id, ticker = transaction.order_config["batchId"], transaction.order_config["ticker"]
    mine = Order.objects.filter(batch__account=transaction.account, batch__batch_id=batch_id, ticker=ticker)
    try:
        with atomic(durable=True):
            _claim(transaction, now)
            # The batch before its orders, as the workers lock them: else each could wait for the other.
            wake(Batch.objects.filter(batch_id=batch_id), transaction.gateway, now=now)
            if not mine.filter(status=OrderStatus.PLACED, cancelled_by__isnull=True).update(cancelled_by=transaction):
                raise _ClosedMeanwhile
    except _ClosedMeanwhile:
        transaction.refresh_from_db()
        fail(transaction, SdkCode.NO_ORDER, now=now)


def _account(transaction: Transaction) -> Account:
    if transaction.account is None:
        raise TransactionUsed
    return transaction.account
