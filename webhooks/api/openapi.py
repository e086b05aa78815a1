"""Responses about webhooks, for the OpenAPI document."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema

from gateway.api.openapi import BOOLEAN, INTEGER, MOMENT, answer, listed, nullable, obj, one_of, text
from webhooks.api import serializers
from webhooks.delivery.retry import Plan
from webhooks.events.selectors import TRIES_SHOWN
from webhooks.models import DeliveryStatus

Json = dict[str, Any]
EVENT_ID: Final = text("The webhook-id of each of its deliveries", pattern=f"^{serializers.EVENT_ID.pattern}$")
REPLAY_KEY: Final = text(pattern=f"^{serializers.REPLAY_KEY.pattern}$")
ENDPOINT_ID: Final = text(pattern="^[0-9a-f]{24}$")
TYPE: Final = one_of(*serializers.TYPES)
_TRY: Final = obj(
    {
        "at": MOMENT,
        "statusCode": nullable(INTEGER | {"description": "null: no answer came"}),
        "error": nullable(text()),
        "durationMs": INTEGER,
        "response": text("The body's beginning"),
    }
)
_DELIVERY: Final = obj(
    {
        "endpointId": ENDPOINT_ID,
        "url": text(),
        "status": one_of(*DeliveryStatus.values),
        "attempts": INTEGER | {"description": "Made so far, replays included"},
        "nextAttemptAt": nullable(MOMENT),
        "settledAt": nullable(MOMENT),
        "tries": listed(_TRY) | {"maxItems": TRIES_SHOWN, "description": "The newest"},
    }
)
_EVENT: Final = obj(
    {
        "eventId": EVENT_ID,
        "type": TYPE,
        "subject": text("What sequence counts within: a batchId, a transactionId, an iscid"),
        "sequence": INTEGER,
        "transactionId": nullable(text()),
        "batchId": nullable(text()),
        "createdAt": MOMENT,
        "payload": {
            "type": "object",
            "description": "The body but for timestamp and checksum, which each attempt adds",
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
        "failures": INTEGER | {"description": "Attempts that have failed since the last that did not"},
        "failingSince": nullable(MOMENT),
        "disabledAt": nullable(MOMENT),
        "disabledBecause": nullable(text()),
    }
)
_REPLAYED: Final = INTEGER | {"description": "Events that are owed (again) so far"}
_PROGRESS: Final = obj(
    {
        "key": nullable(REPLAY_KEY) | {"description": "null: done already, nothing to follow"},
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
    "status": one_of(*DeliveryStatus.values) | {"description": "At least one delivery of it stands so"},
    "cursor": text("The nextCursor of an earlier answer", maxLength=300, pattern=r"\S"),
    "count": INTEGER | {"minimum": 1, "maximum": serializers.MOST_EVENTS, "default": 20},
}


def _path(name: str, schema: Json) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.PATH)


EVENTS: Final = extend_schema(
    operation_id="webhookEvents",
    summary="What was or will be sent, newest first, with every attempt's outcome",
    description="A connected user's token shows that user's events. The cursor is stable while new events arrive.",
    parameters=[OpenApiParameter(name, schema) for name, schema in _QUERY.items()],
    responses={200: answer("A page", obj({"events": listed(_EVENT), "nextCursor": nullable(text())}))},
)
REPLAY_EVENT: Final = extend_schema(
    operation_id="replayEvent",
    summary="Send an event again",
    description="Same webhook-id; fresh timestamp, checksum and signature. What is about to be sent is sent once.",
    parameters=[_path("event_id", EVENT_ID)],
    request=None,
    responses={200: answer("It is owed", obj({"eventId": EVENT_ID}))},
)
REPLAY: Final = extend_schema(
    operation_id="replayEvents",
    summary="Send some events again, or all since a time",
    description="By eventIds: owed at once, all or none. By since: a key is answered, under which progress is read.",
    request=serializers.ReplayIn,
    examples=[
        OpenApiExample(
            "What was missed", value={"since": "2026-11-20T04:00:00.000Z", "onlyMissed": True}, request_only=True
        ),
        OpenApiExample("Two events", value={"eventIds": ["evt_" + "a" * 24, "evt_" + "b" * 24]}, request_only=True),
    ],
    responses={200: answer("Begun, or done", _PROGRESS)},
)
REPLAY_PROGRESS: Final = extend_schema(
    operation_id="replayProgress",
    summary="How far a replay has come",
    parameters=[_path("key", REPLAY_KEY)],
    responses={200: answer("The replay", _REPLAY)},
)
ENDPOINTS: Final = extend_schema(
    operation_id="webhookEndpoints",
    summary="Where events go, and how that is going",
    responses={200: answer("Endpoints; secrets are never shown", listed(_ENDPOINT))},
)
ENABLE: Final = extend_schema(
    operation_id="enableEndpoint",
    summary="Enable an endpoint, and recover what it missed",
    description="A guest's authtoken only: the partner's server decides this for itself. Twice is once.",
    parameters=[_path("endpoint_id", ENDPOINT_ID)],
    request=serializers.EnableIn,
    examples=[
        OpenApiExample("With what was missed", value={"recoverSince": "2026-11-20T04:00:00.000Z"}, request_only=True)
    ],
    responses={
        200: answer(
            "Enabled",
            obj({"endpointId": ENDPOINT_ID, "replay": nullable(REPLAY_KEY) | {"description": "The recovery's key"}}),
        )
    },
)
TEST: Final = extend_schema(
    operation_id="sendTestEvent",
    summary='Send a test event, with `"test": true` in its body',
    description="On live gateways too. A guest's authtoken only.",
    request=serializers.SampleIn,
    responses={200: answer("Recorded; it is delivered like any other", _SENT)},
)
TRIGGER: Final = extend_schema(
    operation_id="triggerWebhook",
    summary="Send a sample of an event type, just as a real one looks",
    request=serializers.SampleIn,
    responses={200: answer("Recorded; it is delivered like any other", _SENT)},
)
