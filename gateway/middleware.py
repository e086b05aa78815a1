"""Before and after every view: the request's id, the envelope of what no view answered, the body's limit."""

import logging
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

from gateway import request_id
from gateway.envelope import refused
from gateway.errors import ErrorType

GetResponse = Callable[[HttpRequest], HttpResponse]
ADMIN: Final = "/admin/"
log = logging.getLogger(__name__)


class RequestId:
    """A caller's own id is kept when it is harmless; every response carries one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with request_id.bound(request_id.kept_or_fresh(request.headers.get("Request-Id"))):
            response = self.get_response(request)
            response["Request-Id"] = request_id.current()
            return response


class Envelope:
    """Django's own HTML errors (an unknown path, a bad host, a crash) become the envelope, except in the admin."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        html = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code < 400 or not html or request.path.startswith(ADMIN):
            return response
        return _ENVELOPES.get(response.status_code, _bad_request)()

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError) and not request.path.startswith(ADMIN):
            log.error("The database is not to be had: %s", exception)
            return unavailable("The database is not available.")
        return None


class BodyLimit:
    """No body above the limit is read; the admin's forms have Django's own limits."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.META.get("CONTENT_LENGTH") or "0"
        if not sent.isdecimal() or (int(sent) > settings.BODY_LIMIT_BYTES and not request.path.startswith(ADMIN)):
            limit = settings.BODY_LIMIT_BYTES // 1024
            return refused(413, ErrorType.PAYLOAD_TOO_LARGE, f"The body must not exceed {limit} KiB.")
        return self.get_response(request)


def unavailable(*sentences: str) -> HttpResponse:
    response = refused(503, ErrorType.SERVICE_UNAVAILABLE, *sentences)
    response["Retry-After"] = "5"
    return response


def _bad_request() -> HttpResponse:
    return refused(400, ErrorType.VALIDATION_ERROR, "The request is malformed.")


_ENVELOPES: Final[dict[int, Callable[[], HttpResponse]]] = {
    403: lambda: refused(403, ErrorType.CONFLICT, "The request was refused."),
    404: lambda: refused(404, ErrorType.NOT_FOUND, "There is nothing at this path."),
    500: lambda: refused(500, ErrorType.INTERNAL_ERROR, "Something went wrong on our side; it was recorded."),
}
