"""What the SDK is told: where the checkout is, and how it ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from gateway.wire import timestamp
from transactions import payloads
from transactions.models import CheckoutSession, Order
from transactions.sdk import SdkCode
from transactions.states import OrderStatus, TransactionStatus

Wire = dict[str, Any]
LIVE: Final = frozenset({TransactionStatus.INITIALIZED, TransactionStatus.USED})


def opened(session: CheckoutSession, token: str, now: datetime, *, base: str) -> Wire:
    return {
        "sessionId": session.session_id,
        "url": f"{base}checkout/s/{token}/",
        "expireAt": timestamp(session.transaction.expires_at),
        "now": timestamp(now),
    }


def outcome(session: CheckoutSession, orders: Sequence[Order], now: datetime) -> Wire:
    """`state` open, done or failed. Not `settled` for a moment after the confirmation: its orders are on their way.

    A session that another replaced ended with that, and is told nothing of what the other came to.
    """
    transaction = session.transaction
    if session.is_replaced:
        return _told("failed", error=payloads.sdk_error(SdkCode.CANCELLED_AT_CHOOSER, None))
    if transaction.status in LIVE:
        return _told("open")
    if transaction.status == TransactionStatus.ACTION_REQUIRED:
        return _told("failed", error=payloads.sdk_error(SdkCode.ORDER_PENDING, transaction))
    if transaction.error_code is not None:
        return _told("failed", error=payloads.sdk_error(SdkCode(transaction.error_code), transaction))
    is_queued = any(order.status == OrderStatus.QUEUED for order in orders)
    return _told("done", response=payloads.sdk_response(transaction, orders), settled=not is_queued)


def _told(state: str, *, response: Wire | None = None, error: Wire | None = None, settled: bool = True) -> Wire:
    return {"state": state, "settled": settled, "response": response, "error": error}
