"""What the SDK is told: where the checkout is, and how it ended."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.values.timestamps import timestamp
from transactions.api import payloads
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.statuses import OrderStatus, TransactionStatus
from transactions.lifecycle.fail import LIVE
from transactions.models import CheckoutSession, Order

Wire = dict[str, Any]
PLACING: Final = timedelta(seconds=6)  # that confirmed orders have to reach the broker before the SDK resolves


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
    response = payloads.sdk_response(transaction, orders)
    return _told("done", response=response, settled=not _are_on_their_way(orders, now))


def walked_away(session: CheckoutSession, told: Wire) -> Wire:
    """The page goes on as after a cancellation, and may know who it was. The transaction stays open, and may go on."""
    error = payloads.sdk_error(SdkCode.CANCELLED_AFTER_LOGIN, session.transaction)
    return told | {"error": error if session.transaction.encrypted_login else None}


def is_final(told: Wire) -> bool:
    return bool(told["settled"]) and (told["response"] or told["error"]) is not None


def without_result(told: Wire) -> Wire:
    """Neither token, broker, batches nor orders; of an error its code."""
    error = told["error"] and {name: told["error"][name] for name in ("code", "message")}
    return told | {"response": None, "error": error if told["state"] == "failed" else None}


def _are_on_their_way(orders: Sequence[Order], now: datetime) -> bool:
    is_queued = any(order.status == OrderStatus.QUEUED for order in orders)
    return is_queued and now < orders[0].batch.created_at + PLACING


def _told(state: str, *, response: Wire | None = None, error: Wire | None = None, settled: bool = True) -> Wire:
    return {"state": state, "settled": settled, "response": response, "error": error}
