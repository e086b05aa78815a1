"""Responses of the Sandbox API, for the OpenAPI document."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from brokers.market.hours import Hours
from brokers.ports.broker import CALL_LIMIT, Verb
from brokers.ports.registry import BROKERS
from brokers.simulator.faults import switched_faults
from brokers.simulator.order_actions import ActionKind
from gateway.api.openapi import BOOLEAN, MOMENT, NUMBER, Json, answer, listed, nullable, obj, one_of, text
from transactions.api.openapi import OBJECT_ID, SDK_RESPONSE
from transactions.sandbox import serializers

_TICKER: Final = OpenApiParameter("ticker", OpenApiTypes.STR, OpenApiParameter.PATH, description="NSE symbol")
COMPLETE: Final = extend_schema(
    operation_id="complete",
    summary="Act as the user",
    request=serializers.Complete,
    parameters=[
        OpenApiParameter(
            "wait",
            NUMBER | {"minimum": 0, "maximum": 30, "default": 0},
            description="Seconds to wait until no order is open",
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
    request=serializers.MarketIn,
    responses={200: answer("The market", _MARKET_SHAPE)},
)
CLOCK: Final = extend_schema(
    operation_id="clock", summary="The gateway's clock", responses={200: answer("Now", obj({"now": MOMENT}))}
)
MOVE_CLOCK: Final = extend_schema(
    operation_id="moveClock",
    summary="Move the clock, forward only, or reset it",
    request=serializers.ClockIn,
    examples=[OpenApiExample("15 minutes", value={"advance": "PT15M"}, request_only=True)],
    responses={200: answer("Now", obj({"now": MOMENT}))},
)
_PRICE_SHAPE: Final = obj({"ticker": text(), "price": NUMBER, "pinned": BOOLEAN})
PIN: Final = extend_schema(
    operation_id="pinPrice",
    summary="Override a price",
    parameters=[_TICKER],
    request=serializers.PriceIn,
    responses={200: answer("The price", _PRICE_SHAPE)},
)
UNPIN: Final = extend_schema(
    operation_id="unpinPrice",
    summary="Remove a price override",
    parameters=[_TICKER],
    responses={200: answer("The price", _PRICE_SHAPE)},
)
_BROKER: Final = OpenApiParameter(
    "broker", OpenApiTypes.STR, OpenApiParameter.PATH, enum=list(BROKERS), description="A broker's key"
)
_SWITCHED: Final = answer(
    "The fault of each verb, or null", obj({verb.value: nullable(text(switched_faults.FORMS)) for verb in Verb})
)
FAULTS: Final = extend_schema(
    operation_id="faults", summary="A broker's faults", parameters=[_BROKER], responses={200: _SWITCHED}
)
SWITCH_FAULTS: Final = extend_schema(
    operation_id="switchFaults",
    summary="Switch a broker's faults on and off",
    description=f"Changes the faults of the verbs that it names, for this gateway: {switched_faults.FORMS}. "
    "`unanswered`: the broker does as asked, and the answer is lost. `session_ended`: sessions that have started "
    "before end at their next call. No call takes longer than "
    f"{CALL_LIMIT.seconds} seconds.",
    parameters=[_BROKER],
    request=serializers.FaultsIn,
    examples=[OpenApiExample("An outage", value={"place": "unreachable", "order_book": "slow:2"}, request_only=True)],
    responses={200: _SWITCHED},
)
CLEAR_FAULTS: Final = extend_schema(
    operation_id="clearFaults", summary="Clear a broker's faults", parameters=[_BROKER], responses={200: _SWITCHED}
)
ACT: Final = extend_schema(
    operation_id="act",
    summary="Act as the broker on one order",
    parameters=[
        OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.PATH) for name in ("batch_id", "tradingsymbol")
    ],
    request=serializers.ActIn,
    examples=[OpenApiExample("Reject", value={"action": "reject", "errorCode": "checkHoldings"}, request_only=True)],
    responses={
        200: answer("Done", obj({"batchId": OBJECT_ID, "tradingsymbol": text(), "action": one_of(*ActionKind)}))
    },
)
RESET: Final = extend_schema(
    operation_id="reset",
    summary="Empty the gateway",
    description="Keeps credentials, origins and webhook endpoints. Deletes orders, users, price overrides, "
    "faults and events, and resets the clock.",
    request=None,
    responses={200: answer("Empty", obj({"now": MOMENT}))},
)
_ROWS: Final = listed({"type": "object"})
SCENARIOS: Final = extend_schema(
    operation_id="scenarios",
    summary="All personas, PINs, actions and faults with their results",
    responses={
        200: answer(
            "Scenarios", obj(dict.fromkeys(("personas", "pins", "stops", "actions", "faults", "market"), _ROWS))
        )
    },
)


def with_one_move_of_the_clock(result: Json, **_: Any) -> Json:
    """A postprocessing hook of drf-spectacular: adds the rules that ClockIn checks in methods."""
    clock = result["components"]["schemas"]["ClockIn"]
    clock["oneOf"] = [{"required": [name]} for name in ("advance", "set", "reset")]
    clock["properties"]["advance"]["pattern"] = "^P"
    return result
