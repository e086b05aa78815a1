"""What the transaction planes answer, for the OpenAPI document."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from brokers.hours import Hours
from brokers.port import OrderType, Side, Validity, Variety
from brokers.registry import BROKERS
from brokers.simulator.acts import Act
from gateway.openapi import BOOLEAN, INTEGER, MOMENT, NUMBER, Json, answer, listed, nullable, obj, one_of, text
from transactions import sandbox_serializers, serializers
from transactions.intents import SECURITIES, Intent
from transactions.states import BatchStatus, OrderStatus, TransactionStatus
from transactions.wishes import KINDS

TRANSACTION_ID: Final = text(pattern="^TRX_[0-9a-f]{32}$")
OBJECT_ID: Final = text(pattern="^[0-9a-f]{24}$")
LABELS: Final = ("BUY", "INVESTMORE", "SIP", "PARTIALEXIT", "SELLALL", "MANAGE", "REBALANCE", "FIX")
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
    }
)
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
        "smallcaseAuthToken": text("A connected JWT, good for an hour"),
        "broker": one_of(*BROKERS),
        "notes": nullable(text()),
        "signup": BOOLEAN,
    }
)
SDK_RESPONSE["properties"] |= {
    **OF_A_SMALLCASE,
    "orderBatches": listed(BATCH) | {"description": "Of TRANSACTION, CANCEL_ORDER and CANCEL_AMO"},
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
_TICKER: Final = OpenApiParameter("ticker", OpenApiTypes.STR, OpenApiParameter.PATH, description="NSE symbol")

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
    description="By transactionId: COMPLETED ones. By batchId: any state after placement. Unknown ids are passed over.",
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
    summary="Invested smallcases, and the actions possible on each",
    parameters=[
        OpenApiParameter("iscid", OpenApiTypes.STR, many=True, description="These only"),
        OpenApiParameter("aggregatedData", OpenApiTypes.BOOL, description="With their sum"),
    ],
    responses={200: answer("Investments", {"anyOf": [listed(_OPEN), _OPEN]})},
)
EXITED: Final = extend_schema(
    operation_id="exitedSmallcases", summary="Exited ones", responses={200: answer("Exited", listed(_OPEN))}
)
HOLDINGS: Final = extend_schema(
    operation_id="holdings",
    summary="The last imported holdings",
    parameters=[OpenApiParameter("version", OpenApiTypes.STR, enum=["v1", "v2"])],
    responses={200: answer("Holdings", _OPEN)},
)
COMPLETE: Final = extend_schema(
    operation_id="complete",
    summary="Play the user",
    request=sandbox_serializers.Complete,
    parameters=[
        OpenApiParameter(
            "wait",
            NUMBER | {"minimum": 0, "maximum": 30, "default": 0},
            description="Seconds, until no order is open",
        )
    ],
    examples=[OpenApiExample("Happy", value={"broker": "kite", "clientId": "happy"}, request_only=True)],
    responses={200: answer("The SDK response", SDK_RESPONSE)},
)
_MARKET_SHAPE: Final = obj({"hours": one_of(*Hours), "open": BOOLEAN, "nextOpen": nullable(MOMENT), "now": MOMENT})
MARKET: Final = extend_schema(
    operation_id="market", summary="Market hours", responses={200: answer("The market", _MARKET_SHAPE)}
)
SET_MARKET: Final = extend_schema(
    operation_id="setMarket",
    summary="Set market hours",
    request=sandbox_serializers.MarketIn,
    responses={200: answer("The market", _MARKET_SHAPE)},
)
CLOCK: Final = extend_schema(
    operation_id="clock", summary="The gateway's clock", responses={200: answer("Now", obj({"now": MOMENT}))}
)
MOVE_CLOCK: Final = extend_schema(
    operation_id="moveClock",
    summary="Move the clock, forward only, or reset it",
    request=sandbox_serializers.ClockIn,
    examples=[OpenApiExample("A quarter of an hour", value={"advance": "PT15M"}, request_only=True)],
    responses={200: answer("Now", obj({"now": MOMENT}))},
)
_PRICE_SHAPE: Final = obj({"ticker": text(), "price": NUMBER, "pinned": BOOLEAN})
PIN: Final = extend_schema(
    operation_id="pinPrice",
    summary="Pin a price",
    parameters=[_TICKER],
    request=sandbox_serializers.PriceIn,
    responses={200: answer("The price", _PRICE_SHAPE)},
)
UNPIN: Final = extend_schema(
    operation_id="unpinPrice",
    summary="Let the price follow its path again",
    parameters=[_TICKER],
    responses={200: answer("The price", _PRICE_SHAPE)},
)
ACT: Final = extend_schema(
    operation_id="act",
    summary="Play the broker's side of one order",
    parameters=[
        OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.PATH) for name in ("batch_id", "tradingsymbol")
    ],
    request=sandbox_serializers.ActIn,
    examples=[OpenApiExample("Reject", value={"action": "reject", "errorCode": "checkHoldings"}, request_only=True)],
    responses={200: answer("Done", obj({"batchId": OBJECT_ID, "tradingsymbol": text(), "action": one_of(*Act)}))},
)
RESET: Final = extend_schema(
    operation_id="reset",
    summary="Back to empty",
    description="Credentials, origins and webhook endpoints stay; every order, user, pin and event goes, time returns.",
    request=None,
    responses={200: answer("Empty", obj({"now": MOMENT}))},
)
_ROWS: Final = listed({"type": "object"})
SCENARIOS: Final = extend_schema(
    operation_id="scenarios",
    summary="Every persona, PIN and action, and what it reaches",
    responses={200: answer("Scenarios", obj(dict.fromkeys(("personas", "pins", "stops", "actions", "market"), _ROWS)))},
)


def with_what_fields_cannot_say(result: Json, **_: Any) -> Json:
    """A postprocessing hook of drf-spectacular: the rules that a serializer checks in its methods."""
    schemas = result["components"]["schemas"]
    schemas["SecurityIn"]["additionalProperties"] = False
    schemas["CreateTransaction"]["properties"]["intent"] = one_of(*Intent)
    schemas["OrderConfigIn"]["properties"]["type"] = one_of(SECURITIES, *sorted(KINDS))
    schemas["ClockIn"]["oneOf"] = [{"required": [name]} for name in ("advance", "set", "reset")]
    schemas["ClockIn"]["properties"]["advance"]["pattern"] = "^P"
    return result
