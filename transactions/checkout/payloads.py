"""Response bodies of the Browser API: an opened session, and a checkout's outcome."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.values.timestamps import timestamp
from transactions.api import payloads
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.statuses import OrderStatus, TransactionStatus
from transactions.lifecycle.transitions import LIVE
from transactions.models import CheckoutSession, Order

Wire = dict[str, Any]
PLACING: Final = timedelta(seconds=6)  # how long the SDK waits for confirmed orders to reach the broker


def opened(session: CheckoutSession, token: str, now: datetime, *, base: str) -> Wire:
    return {
        "sessionId": session.session_id,
        "url": f"{base}checkout/s/{token}/",
        "expireAt": timestamp(session.transaction.expires_at),
        "now": timestamp(now),
    }


def outcome(session: CheckoutSession, orders: Sequence[Order], now: datetime) -> Wire:
    """`state` is open, done or failed. `settled` is false while confirmed orders are not at the broker yet.

    A replaced session has failed and gets nothing of the new session's outcome.
    """
    transaction = session.transaction
    if session.is_replaced:
        return _outcome("failed", error=payloads.sdk_error(SdkCode.CANCELLED_AT_CHOOSER, None))
    if transaction.status in LIVE:
        return _outcome("open")
    if transaction.status == TransactionStatus.ACTION_REQUIRED:
        return _outcome("failed", error=payloads.sdk_error(SdkCode.ORDER_PENDING, transaction))
    if transaction.error_code is not None:
        return _outcome("failed", error=payloads.sdk_error(SdkCode(transaction.error_code), transaction))
    response = payloads.sdk_response(transaction, orders)
    return _outcome("done", response=response, settled=not _are_on_their_way(orders, now))


def walked_away(session: CheckoutSession, body: Wire) -> Wire:
    """Adds the cancellation error, with the user's token, to an open outcome. The transaction stays open."""
    error = payloads.sdk_error(SdkCode.CANCELLED_AFTER_LOGIN, session.transaction)
    return body | {"error": error if session.transaction.logged_in_at else None}


def is_final(body: Wire) -> bool:
    return bool(body["settled"]) and (body["response"] or body["error"]) is not None


def without_result(body: Wire) -> Wire:
    """The outcome without token, broker, batches and orders; an error keeps its code and message."""
    error = body["error"] and {name: body["error"][name] for name in ("code", "message")}
    return body | {"response": None, "error": error if body["state"] == "failed" else None}


def _are_on_their_way(orders: Sequence[Order], now: datetime) -> bool:
    is_queued = any(order.status == OrderStatus.QUEUED for order in orders)
    return is_queued and now < orders[0].batch.created_at + PLACING


def _outcome(state: str, *, response: Wire | None = None, error: Wire | None = None, settled: bool = True) -> Wire:
    return {"state": state, "settled": settled, "response": response, "error": error}
