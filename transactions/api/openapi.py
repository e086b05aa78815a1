"""Responses about transactions, for the OpenAPI document."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from brokers.ports.broker import OrderType, Side, Validity, Variety
from brokers.ports.registry import BROKERS
from gateway.api.openapi import BOOLEAN, INTEGER, MOMENT, NUMBER, Json, answer, listed, nullable, obj, one_of, text
from transactions.api import serializers
from transactions.domain.intents import SECURITIES, Intent
from transactions.domain.smallcase_order import KINDS
from transactions.domain.statuses import BatchStatus, OrderStatus, TransactionStatus

TRANSACTION_ID: Final = text(pattern="^TRX_[0-9a-f]{32}$")
OBJECT_ID: Final = text(pattern="^[0-9a-f]{24}$")
LABELS: Final = ("BUY", "INVESTMORE", "SIP", "PARTIALEXIT", "SELLALL", "MANAGE", "REBALANCE", "FIX")
CHARGES: Final = obj(
    {
        "brokerage": NUMBER,
        "stt": NUMBER | {"description": "Rounded to a rupee for a scrip and day: what the order adds"},
        "exchange": NUMBER | {"description": "NSE's transaction charge with IPFT"},
        "sebi": NUMBER,
        "stamp": NUMBER,
        "gst": NUMBER,
        "dp": NUMBER | {"description": "With GST; carried by the first order that sold the scrip on the day"},
        "total": NUMBER,
    }
)
ORDER: Final = obj(
    {
        "tradingsymbol": text("NSE symbol"),
        "transactionType": one_of(*Side),
        "orderType": one_of(*OrderType),
        "status": one_of(*(s for s in OrderStatus if s not in {OrderStatus.QUEUED, OrderStatus.UNPLACED})),
        "quantity": INTEGER,
        "filledQuantity": INTEGER,
        "averagePrice": nullable(NUMBER),
        "product": one_of("CNC"),
        "exchange": one_of("NSE"),
        "exchangeOrderId": nullable(text()),
        "price": nullable(NUMBER),
        "triggerPrice": nullable(NUMBER),
        "validity": one_of(*Validity),
        "orderTimestamp": nullable(MOMENT),
        "errorCode": nullable(text()),
        "statusMessage": nullable(text()),
        "charges": nullable(CHARGES) | {"description": "Estimated, in rupees; null until something filled"},
    }
)
ORDER["properties"]["slices"] = listed(
    obj(
        {
            "exchangeOrderId": text(),
            "quantity": INTEGER,
            "filledQuantity": INTEGER,
            "averagePrice": nullable(NUMBER),
        }
    )
) | {"description": "The order's parts at the exchange; absent for an order that is one there"}
BATCH: Final = obj(
    {
        "batchId": OBJECT_ID,
        "transactionId": TRANSACTION_ID,
        "variety": one_of(*Variety),
        "label": nullable(one_of(*LABELS)),
        "originalLabel": nullable(one_of(*LABELS)),
        "quantity": INTEGER | {"description": "Securities, not shares"},
        "filled": INTEGER | {"description": "Securities that are COMPLETE"},
        "buyAmount": NUMBER,
        "sellAmount": NUMBER,
        "completedDate": nullable(MOMENT),
        "status": one_of(*(status for status in BatchStatus if status is not BatchStatus.QUEUED)),
        "orders": listed(ORDER),
        "unplaced": listed(ORDER),
        "broker": one_of(*BROKERS),
        "notes": nullable(text()),
    }
)
OF_A_SMALLCASE: Final = {"scid": text(), "iscid": OBJECT_ID, "name": text()}
BATCH["properties"] |= OF_A_SMALLCASE
SDK_RESPONSE: Final = obj(
    {
        "transactionId": TRANSACTION_ID,
        "smallcaseAuthToken": text("A connected JWT, valid for one hour"),
        "broker": one_of(*BROKERS),
        "notes": nullable(text()),
        "signup": BOOLEAN,
    }
)
SDK_RESPONSE["properties"] |= {
    **OF_A_SMALLCASE,
    "orderBatches": listed(BATCH) | {"description": "For TRANSACTION, CANCEL_ORDER and CANCEL_AMO"},
    "funds": NUMBER | {"description": "FETCH_FUNDS: rupees"},
    "sipDetails": nullable({"type": "object"}),
}
TRANSACTION: Final = obj(
    {
        "transactionId": TRANSACTION_ID,
        "intent": one_of(*Intent),
        "status": one_of(*TransactionStatus),
        "expired": BOOLEAN,
        "expireAt": MOMENT,
        "gateway": text(),
        "orderConfig": nullable({"type": "object"}),
        "config": nullable({"type": "object"}),
        "notes": nullable(text()),
        "broker": nullable(one_of(*BROKERS)),
        "smallcaseAuthId": nullable(OBJECT_ID),
        "smallcaseAuthToken": nullable(text()),
        "error": nullable(obj({"value": BOOLEAN, "code": INTEGER, "message": text()})),
        "success": nullable(SDK_RESPONSE),
        "createdAt": MOMENT,
        "updatedAt": MOMENT,
        "completedAt": nullable(MOMENT),
    }
)
_BASKET: Final = OpenApiExample(
    "A two-way basket",
    value={
        "intent": "TRANSACTION",
        "orderConfig": {
            "type": "SECURITIES",
            "securities": [
                {"ticker": "INFY", "quantity": 10, "type": "BUY"},
                {"ticker": "TCS", "quantity": 5, "type": "SELL"},
            ],
        },
        "config": {"orderName": "Smart Basket"},
        "notes": "order 4711",
    },
    request_only=True,
)
_CONNECT: Final = OpenApiExample("Connect a user", value={"intent": "CONNECT"}, request_only=True)
_SOME_IDS: Final = listed(text(minLength=1, maxLength=64)) | {"maxItems": 100}
_IDS: Final = [
    OpenApiParameter(name, _SOME_IDS, description="May be repeated") for name in ("transactionId", "batchId")
]
_PAGE: Final = [
    OpenApiParameter("count", INTEGER | {"minimum": 1, "maximum": 200, "default": 50}),
    OpenApiParameter("offset", INTEGER | {"minimum": 0, "maximum": 10_000_000, "default": 0}),
]

CREATE: Final = extend_schema(
    operation_id="createTransaction",
    summary="Create a transaction",
    request=serializers.CreateTransaction,
    examples=[_BASKET, _CONNECT],
    responses={200: answer("Created", obj({"transactionId": TRANSACTION_ID, "expireAt": MOMENT}))},
)
DETAILS: Final = extend_schema(
    operation_id="transactionDetails",
    summary="One transaction",
    parameters=[OpenApiParameter("transactionId", OpenApiTypes.STR, required=True)],
    responses={200: answer("The transaction", obj({"transactionDetails": TRANSACTION}))},
)
SECURITIES_ORDERS: Final = extend_schema(
    operation_id="securitiesOrders",
    summary="Securities order details, newest first",
    description="By transactionId: COMPLETED batches. By batchId: any state after placement. Unknown ids are skipped.",
    parameters=[*_IDS, *_PAGE],
    responses={200: answer("Batches", listed(BATCH))},
)
SMALLCASE_ORDERS: Final = extend_schema(
    operation_id="smallcaseOrders",
    summary="smallcase order details, newest first",
    parameters=[OpenApiParameter("iscid", _SOME_IDS, description="May be repeated"), *_IDS, *_PAGE],
    responses={200: answer("Batches", listed(BATCH))},
)
_OPEN: Final = {"type": "object"}
INVESTMENTS: Final = extend_schema(
    operation_id="investments",
    summary="Invested smallcases and their possible actions",
    parameters=[
        OpenApiParameter("iscid", OpenApiTypes.STR, many=True, description="Only these investments"),
        OpenApiParameter("aggregatedData", OpenApiTypes.BOOL, description="Include the sum of all investments"),
    ],
    responses={200: answer("Investments", {"anyOf": [listed(_OPEN), _OPEN]})},
)
EXITED: Final = extend_schema(
    operation_id="exitedSmallcases", summary="Exited smallcases", responses={200: answer("Exited", listed(_OPEN))}
)
_DAY: Final = text() | {"format": "date"}
STATEMENT: Final = extend_schema(
    operation_id="statement",
    summary="The statement of one investment",
    description="Money put in (negative) and taken out, sold shares first in, first out, and the yearly return in per "
    "cent (null if there is none). Days in IST; rupees without charges. This is no tax advice.",
    parameters=[
        OpenApiParameter("iscid", OBJECT_ID, required=True),
        OpenApiParameter("from", _DAY, description="The first day; else the day of the first fill"),
        OpenApiParameter("to", _DAY, description="The last day; else today"),
    ],
    responses={
        200: answer(
            "The statement",
            obj(
                {
                    "iscid": OBJECT_ID,
                    "from": _DAY,
                    "to": _DAY,
                    "cashFlows": listed(
                        obj(
                            {
                                "date": _DAY,
                                "amount": NUMBER,
                                "label": nullable(one_of(*LABELS)),
                                "batchId": nullable(OBJECT_ID),
                            }
                        )
                    ),
                    "realised": listed(
                        obj(
                            {
                                "ticker": text("NSE symbol"),
                                "shares": INTEGER,
                                "boughtAt": _DAY,
                                "soldAt": _DAY,
                                "daysHeld": INTEGER,
                                "cost": NUMBER,
                                "proceeds": NUMBER,
                                "gain": NUMBER,
                            }
                        )
                    ),
                    "xirr": nullable(NUMBER),
                    "charges": CHARGES,
                }
            ),
        )
    },
)
HOLDINGS: Final = extend_schema(
    operation_id="holdings",
    summary="The last imported holdings",
    parameters=[OpenApiParameter("version", OpenApiTypes.STR, enum=["v1", "v2"])],
    responses={200: answer("Holdings", _OPEN)},
)


def with_what_fields_cannot_say(result: Json, **_: Any) -> Json:
    """A postprocessing hook of drf-spectacular: adds rules that serializers check in methods."""
    schemas = result["components"]["schemas"]
    schemas["SecurityIn"]["additionalProperties"] = False
    schemas["CreateTransaction"]["properties"]["intent"] = one_of(*Intent)
    schemas["OrderConfigIn"]["properties"]["type"] = one_of(SECURITIES, *sorted(KINDS))
    return result
