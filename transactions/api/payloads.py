"""Response bodies and webhook payloads, with the wire's keys."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from brokers.market.charges import Charges
from brokers.ports.broker import Side
from gateway.models import Account
from gateway.partners import clock
from gateway.partners.authentication import jwt_secrets
from gateway.values.money import wire_amount, wire_price
from gateway.values.timestamps import timestamp, timestamp_or_null
from gateway.values.tokens import CONNECTED_FOR, connected_token
from smallcases.models import Smallcase
from transactions.domain.intents import CANCELLATIONS, Intent
from transactions.domain.sdk_codes import BEFORE_LOGIN, MESSAGES, SdkCode
from transactions.domain.statuses import BatchStatus, OrderStatus, TransactionStatus
from transactions.models import Batch, Order, Transaction
from transactions.queries.order_charges import read_charges
from transactions.queries.order_context import LastBatch

Wire = dict[str, Any]


WITH_ORDERS = frozenset({Intent.TRANSACTION, *CANCELLATIONS})


def created(transaction: Transaction) -> Wire:
    return {"transactionId": transaction.transaction_id, "expireAt": timestamp(transaction.expires_at)}


def details(transaction: Transaction, orders: Sequence[Order], *, expired: bool) -> Wire:
    """The transaction's details. `orders` of its batch; empty before the confirmation."""
    account, token = transaction.account, auth_token(transaction)
    return {
        "transactionId": transaction.transaction_id,
        "intent": transaction.intent,
        "status": transaction.status,
        "expired": expired,
        "expireAt": timestamp(transaction.expires_at),
        "gateway": transaction.gateway.name,
        "orderConfig": transaction.order_config or None,
        "config": transaction.config or None,
        "notes": transaction.notes,
        "broker": account and account.broker,
        "smallcaseAuthId": account and account.auth_id,
        "smallcaseAuthToken": token,
        "error": error(transaction),
        "success": _sdk_response(transaction, orders, token) if has_response(transaction) else None,
        "createdAt": timestamp(transaction.created_at),
        "updatedAt": timestamp(transaction.updated_at),
        "completedAt": timestamp_or_null(transaction.completed_at),
    }


def has_response(transaction: Transaction) -> bool:
    return transaction.status in {TransactionStatus.PROCESSING, TransactionStatus.COMPLETED}


def sdk_response(transaction: Transaction, orders: Sequence[Order]) -> Wire:
    """The value that `triggerTransaction` resolves with. `orders` are of one batch, or empty."""
    return _sdk_response(transaction, orders, auth_token(transaction))


def _sdk_response(transaction: Transaction, orders: Sequence[Order], token: str | None) -> Wire:
    response: Wire = {
        "transactionId": transaction.transaction_id,
        "smallcaseAuthToken": token,
        "broker": transaction.account and transaction.account.broker,
        "notes": transaction.notes,
        "signup": transaction.is_new_user,
    }
    if transaction.intent not in WITH_ORDERS:
        return response | (transaction.outcome or {})
    is_shown = bool(orders) and orders[0].batch.status != BatchStatus.QUEUED
    batches = [batch(orders[0].batch, orders, orders[0].batch.transaction)] if is_shown else []
    smallcase = _smallcase(orders[0].batch) if orders else {}
    return response | smallcase | {"orderBatches": batches}


def error(transaction: Transaction) -> Wire | None:
    if transaction.error_code is None:
        return None
    return {"value": True, "code": transaction.error_code, "message": transaction.error_message}


def sdk_error(code: SdkCode, transaction: Transaction | None) -> Wire:
    """An SDK error. After the login it includes token and broker; USER_MISMATCH includes only the broker."""
    body: Wire = {"code": code.value, "message": MESSAGES[code]}
    if transaction is None or transaction.account is None:
        return body
    if code is SdkCode.USER_MISMATCH:
        return body | {"broker": transaction.account.broker}
    if transaction.logged_in_at is None or code in BEFORE_LOGIN:
        return body
    return body | {"smallcaseAuthToken": auth_token(transaction), "broker": transaction.account.broker}


def auth_token(transaction: Transaction) -> str | None:
    """A connected token for the user who logged in, valid for one hour of real time; None before the login."""
    if transaction.account is None or transaction.logged_in_at is None:
        return None
    secret, now = jwt_secrets(transaction.gateway)[0], clock.wall()
    auth_id = transaction.account.auth_id
    return connected_token(secret, auth_id=auth_id, issued_at=now, expires_at=now + CONNECTED_FOR)


def batch(of: Batch, orders: Sequence[Order], transaction: Transaction) -> Wire:
    """A batch with its orders in the basket's order; one that was not sent yet is counted and not listed.

    `quantity` and `filled` count securities, not shares.
    """
    if unread := [o for o in orders if not hasattr(o, "charges")]:
        read_charges(unread)
    placed = [o for o in orders if o.status not in {OrderStatus.QUEUED, OrderStatus.UNPLACED}]
    unplaced = [o for o in orders if o.status == OrderStatus.UNPLACED]
    return {
        "batchId": of.batch_id,
        "transactionId": transaction.transaction_id,
        "variety": of.variety,
        "label": of.label,
        "originalLabel": of.original_label,
        "quantity": len(orders),
        "filled": sum(o.status == OrderStatus.COMPLETE for o in orders),
        "buyAmount": _amount(orders, Side.BUY),
        "sellAmount": _amount(orders, Side.SELL),
        "completedDate": timestamp_or_null(of.completed_at),
        "status": of.status,
        "orders": [_order(o) for o in placed],
        "unplaced": [_order(o) | {"status": OrderStatus.ERROR.value} for o in unplaced],
        "broker": transaction.account and transaction.account.broker,
        "notes": transaction.notes,
        **_smallcase(of),
    }


def batches(of: Sequence[tuple[Batch, Sequence[Order]]]) -> list[Wire]:
    """Batches with their orders. Each batch has its transaction loaded."""
    return [batch(one, orders, one.transaction) for one, orders in of]


def order_event(of: Batch, orders: Sequence[Order], transaction: Transaction) -> Wire:
    """A webhook's body; each delivery attempt adds timestamp and checksum."""
    account = transaction.account
    return batch(of, orders, transaction) | {"smallcaseAuthId": account and account.auth_id}


def session_ended(account: Account, batch_ids: Sequence[str], ended_at: datetime) -> Wire:
    """`batch_ids`: the open batches, which wait for a login of the user."""
    named = {"smallcaseAuthId": account.auth_id, "broker": account.broker}
    return named | {"batchIds": list(batch_ids), "endedAt": timestamp(ended_at)}


def fix_action(last: LastBatch, smallcase: Smallcase, blocked: Sequence[tuple[str, str]]) -> Wire:
    """The FIX action for the unfilled shares of the batch `last`.

    `blocked`: tickers that cannot be traded now, with the reason. A FIX leaves them out again.
    """
    return {
        "scid": smallcase.scid,
        "iscid": last.batch.iscid,
        "name": smallcase.name,
        "date": timestamp_or_null(last.batch.completed_at),
        "batchId": last.batch.batch_id,
        "filled": last.filled,
        "quantity": last.quantity,
        "originalLabel": last.batch.original_label,
        "blocked": [{"ticker": ticker, "reason": reason} for ticker, reason in blocked],
    }


def fix_pending(last: LastBatch, smallcase: Smallcase, account: Account, blocked: Sequence[tuple[str, str]]) -> Wire:
    action = fix_action(last, smallcase, blocked)
    return {"action": "FIX", **action, "smallcaseAuthId": account.auth_id, "broker": account.broker}


def holdings_imported(transaction: Transaction) -> Wire:
    account = transaction.account
    return {
        "transactionId": transaction.transaction_id,
        "smallcaseAuthId": account and account.auth_id,
        "broker": account and account.broker,
        "notes": transaction.notes,
    }


def _smallcase(of: Batch) -> Wire:
    """The keys of a smallcase order; empty for a basket of securities."""
    if of.version is None:
        return {}
    smallcase = of.version.smallcase
    return {"scid": smallcase.scid, "iscid": of.iscid, "name": smallcase.name}


def transaction_errored(transaction: Transaction) -> Wire:
    account = transaction.account
    return {
        "transactionId": transaction.transaction_id,
        "intent": transaction.intent,
        "status": transaction.status,
        "error": error(transaction),
        "smallcaseAuthId": account and account.auth_id,
        "broker": account and account.broker,
        "notes": transaction.notes,
    }


def _amount(orders: Sequence[Order], side: Side) -> float | int | None:
    """Rupees executed on one side."""
    prices = [(o.average_price, o.filled_quantity) for o in orders if o.side == side]
    return wire_amount(sum((price * shares for price, shares in prices if price), Decimal(0)))


def _order(order: Order) -> Wire:
    """`slices` only for an order that is several at the exchange."""
    return {
        "tradingsymbol": order.ticker,
        "transactionType": order.side,
        "orderType": order.order_type,
        "status": order.status,
        "quantity": order.quantity,
        "filledQuantity": order.filled_quantity,
        "averagePrice": wire_price(order.average_price),
        "product": "CNC",
        "exchange": "NSE",
        "exchangeOrderId": order.exchange_order_id,
        "price": wire_amount(order.price),
        "triggerPrice": wire_amount(order.trigger_price),
        "validity": order.validity,
        "orderTimestamp": timestamp_or_null(order.ordered_at),
        "errorCode": order.error_code,
        "statusMessage": order.status_message,
        "charges": charges(order.charges),
        **({"slices": [_slice(one) for one in order.slices]} if order.slices else {}),
    }


def _slice(kept: Mapping[str, Any]) -> Wire:
    price = kept["average_price"]
    return {
        "exchangeOrderId": kept["exchange_order_id"],
        "quantity": kept["quantity"],
        "filledQuantity": kept["filled_quantity"],
        "averagePrice": None if price is None else wire_price(Decimal(price)),
    }


def charges(of: Charges | None) -> Wire | None:
    if of is None:
        return None
    return {name: wire_amount(amount) for name, amount in {**asdict(of), "total": of.total}.items()}
