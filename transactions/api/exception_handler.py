"""DRF's exception handler: the gateway's, and the SDK's code in the body of an SDK error."""

from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response

from gateway.api import drf
from transactions.api import payloads
from transactions.domain.sdk_codes import SdkRefusal


def envelope_errors(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """The error's response; None lets Django answer 500."""
    response = drf.envelope_errors(error, context)
    if response is not None and isinstance(error, SdkRefusal):
        response.data["data"] = payloads.sdk_error(error.code, error.transaction)
    return response
