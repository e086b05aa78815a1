"""What speaks against an order before it is planned: the market's hours, and what came about since it was asked for."""

from datetime import datetime
from typing import NoReturn

from brokers.market.calendar import market_of
from brokers.ports.broker import Variety
from brokers.ports.registry import profile_of
from gateway.values.errors import ErrorType, GatewayError, NotFound
from smallcases.models import Smallcase
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.smallcase_order import NOT_AFTER_MARKET, OrderKind, SmallcaseWish, wish_of
from transactions.domain.statuses import TransactionStatus
from transactions.lifecycle.claim import account_of
from transactions.lifecycle.eligibility import NoOrder, OrderPending, checked_wish
from transactions.lifecycle.fail import TransactionUsed, fail
from transactions.models import Transaction
from transactions.queries.open_orders import is_fix_pending


class ActionRequired(GatewayError):
    """Another action must come first."""

    error_type = ErrorType.ACTION_REQUIRED


def end_what_cannot_be(*, transaction: Transaction, amo: bool, now: datetime) -> None:
    """Of a transaction that is USED: raises after ending it, with its code or in ACTION_REQUIRED."""
    if transaction.intent != Intent.TRANSACTION:
        return
    wish = wish_of(transaction.order_config)
    variety_now(transaction, wish, amo=amo, now=now)
    if wish:
        check_again(transaction, wish, now)


def variety_now(transaction: Transaction, wish: SmallcaseWish | None, *, amo: bool, now: datetime) -> Variety:
    """Regular while the market is open; AMO when it is closed, asked for and offered; else the transaction ends."""
    if market_of(transaction.gateway, now=now).is_open(now):
        return Variety.REGULAR
    can_wait = wish is None or wish.kind not in NOT_AFTER_MARKET
    if not (amo and can_wait and profile_of(account_of(transaction).broker).amo):
        fail(transaction, SdkCode.MARKET_CLOSED_SMALLCASE if wish else SdkCode.MARKET_CLOSED, now=now)
    return Variety.AMO


def check_again(transaction: Transaction, wish: SmallcaseWish, now: datetime) -> None:
    """What spoke against the order at its creation may have come about since."""
    if wish.kind is OrderKind.BUY:
        _check_smallcase(transaction, wish.scid, now)
        return
    try:
        checked_wish(transaction.account, wish, now=now)
    except OrderPending:
        fail(transaction, SdkCode.ORDER_PENDING, now=now)
    except NoOrder as nothing:
        fail(transaction, nothing.code, now=now)
    except NotFound:
        fail(transaction, SdkCode.NO_ORDER, now=now)
    if wish.kind is OrderKind.REBALANCE and is_fix_pending(wish.iscid):
        _require_action(transaction, now)


def _check_smallcase(transaction: Transaction, scid: str, now: datetime) -> None:
    if Smallcase.objects.get(scid=scid).is_archived:
        fail(transaction, SdkCode.SMALLCASE_ARCHIVED, now=now)


def _require_action(transaction: Transaction, now: datetime) -> NoReturn:
    """USED becomes ACTION_REQUIRED: unfilled shares wait for a FIX, or to be marked complete."""
    used = Transaction.objects.filter(pk=transaction.pk, status=TransactionStatus.USED)
    if not used.update(status=TransactionStatus.ACTION_REQUIRED, updated_at=now):
        raise TransactionUsed
    transaction.refresh_from_db()
    raise ActionRequired("Fix the last order, or mark it complete, before the rebalance.")
