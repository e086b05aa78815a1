"""A sample event of each type, with invented ids, for testing a receiver."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any, Final

from gateway.values.ids import new_object_id, new_transaction_id
from gateway.values.timestamps import timestamp
from webhooks.events.event_types import EventType

Json = dict[str, Any]
_WITH_BROKER: Final = {"product": "CNC", "exchange": "NSE", "price": None, "triggerPrice": None, "validity": "DAY"}
_OPEN: Final = {"status": "PLACED", "filledQuantity": 0, "averagePrice": None, "charges": None}
_WELL: Final = {"errorCode": None, "statusMessage": None}
_BUY: Final = {
    "tradingsymbol": "INFY",
    "transactionType": "BUY",
    "orderType": "MARKET",
    "quantity": 10,
    "exchangeOrderId": "1100000000000001",
    **_WITH_BROKER,
    **_WELL,
}
_SELL: Final = {
    "tradingsymbol": "TCS",
    "transactionType": "SELL",
    "orderType": "MARKET",
    "quantity": 5,
    "exchangeOrderId": "1100000000000002",
    **_WITH_BROKER,
    **_WELL,
}
_BOUGHT: Final = {"status": "COMPLETE", "filledQuantity": 10, "averagePrice": 1520.25}
_BUY_CHARGES: Final = {
    "brokerage": 0,
    "stt": 15,
    "exchange": 0.47,
    "sebi": 0.02,
    "stamp": 2.28,
    "gst": 0.09,
    "dp": 0,
    "total": 17.86,
}
_SALE_CHARGES: Final = {
    "brokerage": 0,
    "stt": 16,
    "exchange": 0.48,
    "sebi": 0.02,
    "stamp": 0,
    "gst": 0.09,
    "dp": 15.34,
    "total": 31.93,
}
_SOLD: Final = {"status": "COMPLETE", "filledQuantity": 5, "averagePrice": 3100.5}
_BASKET: Final[Json] = {
    "variety": "regular",
    "label": None,
    "originalLabel": None,
    "quantity": 2,
    "filled": 0,
    "buyAmount": 0,
    "sellAmount": 0,
    "completedDate": None,
    "status": "PLACED",
    "unplaced": [],
}


def sample(kind: EventType, *, now: datetime) -> Json:
    """The body of a real event of this type, before an attempt adds timestamp and checksum."""
    made = _MADE[kind](now)
    return deepcopy(made) | {"broker": "kite", "smallcaseAuthId": new_object_id()}


def _completed(now: datetime) -> Json:
    done = {"status": "COMPLETED", "completedDate": timestamp(now)}
    amounts = {"filled": 2, "buyAmount": 15202.5, "sellAmount": 15502.5}
    return (
        _batch(now, _BUY | _BOUGHT | {"charges": _BUY_CHARGES}, _SELL | _SOLD | {"charges": _SALE_CHARGES})
        | amounts
        | done
    )


def _batch(now: datetime, *orders: Mapping[str, Any]) -> Json:
    ordered_at = timestamp(now - timedelta(seconds=2))
    dated = [{**order, "orderTimestamp": ordered_at} for order in orders]
    return {"batchId": new_object_id(), **_of_a_transaction(), **_BASKET, "orders": dated}


def _errored(now: datetime) -> Json:
    error = {"value": True, "code": 1012, "message": "user_cancelled"}
    return {**_of_a_transaction(), "intent": "TRANSACTION", "status": "ERRORED", "error": error}


def _pending(now: datetime) -> Json:
    return {
        "action": "REBALANCE",
        "iscid": new_object_id(),
        "scid": "SCNM_0001",
        "name": "Sample smallcase",
        "date": timestamp(now),
        "version": 2,
        "label": "Quarterly review",
    }


def _session_ended(now: datetime) -> Json:
    return {"batchIds": [new_object_id()], "endedAt": timestamp(now)}


def _of_a_transaction() -> Json:
    return {"transactionId": new_transaction_id(), "notes": "a sample"}


_MADE: Final[Mapping[EventType, Callable[[datetime], Json]]] = {
    EventType.ORDER_PLACED: lambda now: _batch(now, _BUY | _OPEN, _SELL | _OPEN),
    EventType.ORDER_UPDATED: lambda now: (
        _batch(now, _BUY | _BOUGHT, _SELL | _OPEN) | {"filled": 1, "buyAmount": 15202.5}
    ),
    EventType.ORDER_COMPLETED: _completed,
    EventType.HOLDINGS_IMPORTED: lambda now: _of_a_transaction(),
    EventType.ACTION_PENDING: _pending,
    EventType.TRANSACTION_ERRORED: _errored,
    EventType.SESSION_ENDED: _session_ended,
}
