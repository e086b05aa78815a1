"""Responses of the Browser API, for the OpenAPI document."""

from typing import Final

from drf_spectacular.utils import extend_schema

from gateway.api.openapi import BOOLEAN, INTEGER, MOMENT, answer, nullable, obj, one_of, text
from transactions.api.openapi import OBJECT_ID, SDK_RESPONSE
from transactions.checkout import serializers

_ERROR: Final = obj({"code": INTEGER, "message": text()}, closed=False)
OPEN: Final = extend_schema(
    operation_id="openSession",
    summary="Open the hosted checkout of a transaction",
    description="Called by scdk.js. The Origin header must be one of the gateway's allowed origins.",
    request=serializers.OpenSession,
    responses={
        200: answer(
            "The checkout's address",
            obj(
                {
                    "sessionId": OBJECT_ID,
                    "url": text("The checkout's first URL. It stops working at the login."),
                    "expireAt": MOMENT,
                    "now": MOMENT,
                }
            ),
        )
    },
)
OUTCOME: Final = extend_schema(
    operation_id="sessionOutcome",
    summary="The state or outcome of a checkout",
    description=(
        "Called by scdk.js. Without the right `codeVerifier` and the right `resultCode` the response has only `open`, "
        "`done` or the error's code, never token, broker or orders. The response with the result uses the code up; "
        "the same request with the same Idempotency-Key gets it again, if the gateway has stored it. `left`, with "
        "the right `codeVerifier`, ends a checkout without a login, with the code of the user's last screen."
    ),
    request=serializers.OutcomeIn,
    responses={
        200: answer(
            "`response` if `done`, `error` if `failed`. `open` has an `error` only if `left` was sent after the login. "
            "`response` is null until `settled` is true.",
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
