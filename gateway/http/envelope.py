"""The envelope of every API response."""

from typing import Any

from django.http import HttpResponse, JsonResponse

from gateway.values.errors import ErrorType


def done(data: Any) -> dict[str, Any]:
    return {"success": True, "errors": None, "data": data}


def failure(error_type: ErrorType, *sentences: str) -> dict[str, Any]:
    return {"success": False, "errors": list(sentences), "errorType": error_type.value, "data": None}


def refused(status: int, error_type: ErrorType, *sentences: str) -> JsonResponse:
    return JsonResponse(failure(error_type, *sentences), status=status)


class Page(HttpResponse):
    """HTML for a person, with any status: no middleware replaces it by the envelope."""
