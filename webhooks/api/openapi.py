"""Response schemas of the webhook endpoints for the OpenAPI document."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from gateway.api.openapi import BOOLEAN, INTEGER, MOMENT, answer, listed, nullable, obj, one_of, text
from webhooks.api import serializers
from webhooks.delivery.retry import Plan
from webhooks.events.selectors import TRIES_SHOWN
from webhooks.models import DeliveryStatus

Json = dict[str, Any]
EVENT_ID: Final = text("The webhook-id of the event's deliveries", pattern=f"^{serializers.EVENT_ID.pattern}$")
REPLAY_KEY: Final = text(pattern=f"^{serializers.REPLAY_KEY.pattern}$")
ENDPOINT_ID: Final = text(pattern="^[0-9a-f]{24}$")
TYPE: Final = one_of(*serializers.TYPES)
_TRY: Final = obj(
    {
        "at": MOMENT,
        "statusCode": nullable(INTEGER | {"description": "null: the endpoint did not answer"}),
        "error": nullable(text()),
        "durationMs": INTEGER,
        "response": text("The beginning of the response's body"),
    }
)
_DELIVERY: Final = obj(
    {
        "endpointId": ENDPOINT_ID,
        "url": text(),
        "status": one_of(*DeliveryStatus.values),
        "attempts": INTEGER | {"description": "Attempts so far, including replays"},
        "nextAttemptAt": nullable(MOMENT),
        "settledAt": nullable(MOMENT),
        "tries": listed(_TRY) | {"maxItems": TRIES_SHOWN, "description": "The newest attempts"},
    }
)
_EVENT: Final = obj(
    {
        "eventId": EVENT_ID,
        "type": TYPE,
        "subject": text("The batchId, transactionId or iscid within which the sequence counts"),
        "sequence": INTEGER,
        "transactionId": nullable(text()),
        "batchId": nullable(text()),
        "createdAt": MOMENT,
        "payload": {
            "type": "object",
            "description": "The body without timestamp and checksum, which each attempt adds",
        },
        "deliveries": listed(_DELIVERY),
    }
)
_ENDPOINT: Final = obj(
    {
        "endpointId": ENDPOINT_ID,
        "url": text(),
        "types": listed(TYPE),
        "plan": one_of(*Plan),
        "enabled": BOOLEAN,
        "failures": INTEGER | {"description": "Failed attempts since the last successful one"},
        "failingSince": nullable(MOMENT),
        "disabledAt": nullable(MOMENT),
        "disabledBecause": nullable(text()),
    }
)
_REPLAYED: Final = INTEGER | {"description": "Events whose deliveries are due (again) so far"}
_PROGRESS: Final = obj(
    {
        "key": nullable(REPLAY_KEY) | {"description": "null: the replay is already complete"},
        "replayed": _REPLAYED,
        "done": BOOLEAN,
    }
)
_REPLAY: Final = obj(
    {
        "key": REPLAY_KEY,
        "since": MOMENT,
        "until": nullable(MOMENT),
        "type": nullable(TYPE),
        "onlyMissed": BOOLEAN,
        "endpointId": nullable(ENDPOINT_ID) | {"description": "null: every enabled endpoint"},
        "createdAt": MOMENT,
        "replayed": _REPLAYED,
        "done": BOOLEAN,
    }
)
_SENT: Final = obj({"eventId": EVENT_ID, "type": TYPE})
_QUERY: Final[Json] = {
    "transactionId": text(maxLength=64, pattern=r"\S"),
    "type": TYPE,
    "status": one_of(*DeliveryStatus.values) | {"description": "Events with at least one delivery in this status"},
    "cursor": text("The nextCursor of an earlier response", maxLength=300, pattern=r"\S"),
    "count": INTEGER | {"minimum": 1, "maximum": serializers.MOST_EVENTS, "default": 20},
}


def _path(name: str, schema: Json) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.PATH)


EVENTS: Final = extend_schema(
    operation_id="webhookEvents",
    summary="List events, newest first, with their delivery attempts",
    description="A connected user's token lists that user's events. New events do not move the cursor.",
    parameters=[OpenApiParameter(name, schema) for name, schema in _QUERY.items()],
    responses={200: answer("A page", obj({"events": listed(_EVENT), "nextCursor": nullable(text())}))},
)
REPLAY_EVENT: Final = extend_schema(
    operation_id="replayEvent",
    summary="Send an event again",
    description="Same webhook-id; new timestamp, checksum and signature. An event that is already due is sent once.",
    parameters=[_path("event_id", EVENT_ID)],
    request=None,
    responses={200: answer("The event is due again", obj({"eventId": EVENT_ID}))},
)
REPLAY: Final = extend_schema(
    operation_id="replayEvents",
    summary="Send selected events again, or all since a time",
    description="With eventIds: all are due at once, or none. With since: returns a key for reading the progress.",
    request=serializers.ReplayIn,
    examples=[
        OpenApiExample(
            "Missed events", value={"since": "2026-11-20T04:00:00.000Z", "onlyMissed": True}, request_only=True
        ),
        OpenApiExample("Two events", value={"eventIds": ["evt_" + "a" * 24, "evt_" + "b" * 24]}, request_only=True),
    ],
    responses={200: answer("The replay has started or is complete", _PROGRESS)},
)
REPLAY_PROGRESS: Final = extend_schema(
    operation_id="replayProgress",
    summary="Read a replay's progress",
    parameters=[_path("key", REPLAY_KEY)],
    responses={200: answer("The replay", _REPLAY)},
)
ENDPOINTS: Final = extend_schema(
    operation_id="webhookEndpoints",
    summary="List webhook endpoints and their health",
    responses={200: answer("Endpoints, without their secrets", listed(_ENDPOINT))},
)
ENABLE: Final = extend_schema(
    operation_id="enableEndpoint",
    summary="Enable an endpoint and replay missed events",
    description="Needs a guest's authtoken: only the partner's server may do this. Repeating it changes nothing.",
    parameters=[_path("endpoint_id", ENDPOINT_ID)],
    request=serializers.EnableIn,
    examples=[
        OpenApiExample("With missed events", value={"recoverSince": "2026-11-20T04:00:00.000Z"}, request_only=True)
    ],
    responses={
        200: answer(
            "Enabled",
            obj({"endpointId": ENDPOINT_ID, "replay": nullable(REPLAY_KEY) | {"description": "Key of the replay"}}),
        )
    },
)
TEST: Final = extend_schema(
    operation_id="sendTestEvent",
    summary='Send a test event, with `"test": true` in its body',
    description="Also on live gateways. Needs a guest's authtoken.",
    request=serializers.SampleIn,
    responses={200: answer("The event is recorded and is delivered like any other", _SENT)},
)
TRIGGER: Final = extend_schema(
    operation_id="triggerWebhook",
    summary="Send a sample of an event type, identical in form to a real event",
    request=serializers.SampleIn,
    responses={200: answer("The event is recorded and is delivered like any other", _SENT)},
)
