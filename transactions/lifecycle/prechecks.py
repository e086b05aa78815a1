"""Checks before an order is planned: market hours, and changes since the transaction was created."""

from datetime import datetime
from typing import NoReturn

from brokers.market.calendar import market_of
from brokers.ports.broker import Variety
from brokers.ports.registry import profile_of
from gateway.values.errors import ErrorType, GatewayError, NotFound
from smallcases.models import Smallcase
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import NOT_AFTER_MARKET, OrderKind, SmallcaseOrderRequest, order_request_of
from transactions.domain.statuses import TransactionStatus
from transactions.lifecycle.claim import account_of
from transactions.lifecycle.eligibility import NoOrder, OrderPending, checked_order_request
from transactions.lifecycle.fail import TransactionUsed, fail
from transactions.models import Transaction
from transactions.queries.open_orders import is_fix_pending


class ActionRequired(GatewayError):
    """Another action must come first."""

    error_type = ErrorType.ACTION_REQUIRED


def reject_if_not_placeable(*, transaction: Transaction, amo: bool, now: datetime) -> None:
    """Ends a USED transaction whose order cannot be placed. Raises SdkError with the code, or ActionRequired."""
    if transaction.intent != Intent.TRANSACTION:
        return
    order_request = order_request_of(transaction.order_config)
    order_variety(transaction, order_request, amo=amo, now=now)
    if order_request:
        check_again(transaction, order_request, now)


def order_variety(
    transaction: Transaction, order_request: SmallcaseOrderRequest | None, *, amo: bool, now: datetime
) -> Variety:
    """REGULAR while the market is open, otherwise AMO if requested and supported; else ends the transaction."""
    if market_of(transaction.gateway, now=now).is_open(now):
        return Variety.REGULAR
    can_wait = order_request is None or order_request.kind not in NOT_AFTER_MARKET
    if not (amo and can_wait and profile_of(account_of(transaction).broker).amo):
        fail(transaction, SdkCode.MARKET_CLOSED_SMALLCASE if order_request else SdkCode.MARKET_CLOSED, now=now)
    return Variety.AMO


def check_again(transaction: Transaction, order_request: SmallcaseOrderRequest, now: datetime) -> None:
    """Repeats the checks of the creation, because the situation may have changed since."""
    if order_request.kind is OrderKind.BUY:
        _check_smallcase(transaction, order_request.scid, now)
        return
    try:
        checked_order_request(transaction.account, order_request, now=now)
    except OrderPending:
        fail(transaction, SdkCode.ORDER_PENDING, now=now)
    except NoOrder as nothing:
        fail(transaction, nothing.code, now=now)
    except NotFound:
        fail(transaction, SdkCode.NO_ORDER, now=now)
    if order_request.kind is OrderKind.REBALANCE and is_fix_pending(order_request.iscid):
        _require_action(transaction, now)


def _check_smallcase(transaction: Transaction, scid: str, now: datetime) -> None:
    if Smallcase.objects.get(scid=scid).is_archived:
        fail(transaction, SdkCode.SMALLCASE_ARCHIVED, now=now)


def _require_action(transaction: Transaction, now: datetime) -> NoReturn:
    """USED becomes ACTION_REQUIRED: the user must first fix the last order or mark it complete."""
    used = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.USED)
    if not used.update(status=TransactionStatus.ACTION_REQUIRED, updated_at=now):
        raise TransactionUsed
    transaction.refresh_from_db()
    raise ActionRequired("Fix the last order, or mark it complete, before the rebalance.")
