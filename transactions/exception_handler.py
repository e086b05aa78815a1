"""DRF's exception handler: the gateway's, with the SDK's code in the body where the error has one."""

from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response

from gateway import rest
from transactions import payloads
from transactions.sdk import SdkRefusal


def envelope_errors(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """None lets Django answer 500."""
    response = rest.envelope_errors(error, context)
    if response is not None and isinstance(error, SdkRefusal):
        response.data["data"] = payloads.sdk_error(error.code, error.transaction)
    return response
