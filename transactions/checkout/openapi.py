"""What the browser plane answers, for the OpenAPI document."""

from typing import Final

from drf_spectacular.utils import extend_schema

from gateway.openapi import BOOLEAN, INTEGER, MOMENT, answer, nullable, obj, one_of, text
from transactions.checkout import serializers
from transactions.openapi import OBJECT_ID, SDK_RESPONSE

_ERROR: Final = obj({"code": INTEGER, "message": text()}, closed=False)
OPEN: Final = extend_schema(
    operation_id="openSession",
    summary="Open the hosted checkout of a transaction",
    description="Called by scdk.js. The Origin header must be one of the gateway's allowed origins.",
    request=serializers.OpenSession,
    responses={
        200: answer(
            "Where to send the user",
            obj(
                {"sessionId": OBJECT_ID, "url": text("Single purpose, unguessable"), "expireAt": MOMENT, "now": MOMENT}
            ),
        )
    },
)
OUTCOME: Final = extend_schema(
    operation_id="sessionOutcome",
    summary="How a checkout stands or ended",
    description="Called by scdk.js. `left` ends what has not been confirmed, with the code for where the user was.",
    request=serializers.OutcomeIn,
    responses={
        200: answer(
            "`response` of a `done` one, `error` of a `failed` one; not `settled` while its orders are on their way",
            obj(
                {
                    "state": one_of("open", "done", "failed"),
                    "settled": BOOLEAN,
                    "response": nullable(SDK_RESPONSE),
                    "error": nullable(_ERROR),
                }
            ),
        )
    },
)
