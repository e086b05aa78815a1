"""Middleware: request ids, trailing slashes, the envelope for errors outside views, limits of bodies and files."""

import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import get_resolver, is_valid_path

from gateway.http.envelope import Page, refused
from gateway.telemetry import request_id
from gateway.values.errors import ErrorType

GetResponse = Callable[[HttpRequest], HttpResponse]
ADMIN: Final = "/admin/"
SCREENS: Final = "/checkout/s/"  # pages for users: errors are pages as well, by the project's handler400
CUT_SHORT: Final = "gateway.body_cut_short"  # set in a request's META by gateway.rsgi
log = logging.getLogger(__name__)


class RequestId:
    """Keeps the caller's id if it is harmless; every response has an id."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with request_id.bound(request_id.kept_or_fresh(request.headers.get("Request-Id"))):
            response = self.get_response(request)
            response["Request-Id"] = request_id.current()
            return response


class TrailingSlash:
    """Serves a path with and without a trailing slash: a redirect would lose a POST's body.

    A path whose route has the slash, such as a page of the console, stays as it is.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.endswith("/") and not is_valid_path(path) and is_valid_path(path[:-1]):
            request.path_info, request.path = path[:-1], request.path[:-1]
        return self.get_response(request)


class Envelope:
    """Replaces Django's HTML errors (unknown path, wrong host, crash) by the envelope, except in the admin.

    On the checkout's screens, errors from outside a view become pages instead.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 400 and request.path.startswith(SCREENS):
            return response if isinstance(response, Page) else _as_page(request, response)
        html = response.headers.get("Content-Type", "").startswith("text/html")
        if response.status_code < 400 or not html or request.path.startswith(ADMIN) or isinstance(response, Page):
            return response
        return _in_envelope(response)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError) and not request.path.startswith(ADMIN):
            log.error("The database is unavailable: %s", exception)
            return unavailable("The database is unavailable.")
        return None


def body_limit(path: str) -> int:
    """In bytes; larger for the console's uploads."""
    return settings.CONSOLE_BODY_LIMIT_BYTES if path.startswith(ADMIN) else settings.BODY_LIMIT_BYTES


def stated_length(text: str) -> int | None:
    """Bytes according to Content-Length; None if it is not a number or has too many digits."""
    return int(text) if text.isdecimal() and len(text) < 20 else None


class BodyLimit:
    """Refuses a body that is too large, compressed, of unknown length, or cut short."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _refused_body(request) or self.get_response(request)


View = TypeVar("View", bound=Callable[..., HttpResponse])


def takes_a_file(view: View) -> View:
    """Marks a view that accepts a file (WantedFiles)."""
    vars(view)["takes_a_file"] = True
    return view


class WantedFiles:
    """Refuses files on pages that do not accept any. The APIs read only JSON."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: Any) -> None:
        is_form = request.path.startswith((ADMIN, SCREENS)) and request.content_type == "multipart/form-data"
        if is_form and not getattr(view, "takes_a_file", False) and request.FILES:
            raise TooManyFilesSent("This page accepts no file.")


def _refused_body(request: HttpRequest) -> HttpResponse | None:
    """Whatever the method, because any request may have a body."""
    sent, limit = request.META.get("CONTENT_LENGTH") or "", body_limit(request.path)
    if request.META.get(CUT_SHORT):
        sentence = f"The body did not arrive completely within {settings.BODY_SECONDS} s."
        return refused(408, ErrorType.VALIDATION_ERROR, sentence)
    if not sent and "Transfer-Encoding" in request.headers and CUT_SHORT not in request.META:
        return refused(411, ErrorType.VALIDATION_ERROR, "The header Content-Length is missing.")
    length = stated_length(sent)
    if sent and (length is None or length > limit):
        return refused(413, ErrorType.PAYLOAD_TOO_LARGE, f"The body must not exceed {limit // 1024} KiB.")
    if request.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        return refused(415, ErrorType.UNSUPPORTED_MEDIA_TYPE, "The body must not be compressed.")
    return None


def unavailable(*sentences: str) -> HttpResponse:
    """A 503 in the envelope, to be retried in 5 s."""
    response = refused(503, ErrorType.SERVICE_UNAVAILABLE, *sentences)
    response["Retry-After"] = "5"
    return response


def _in_envelope(page: HttpResponse) -> HttpResponse:
    """Changes the response in place, so that headers from other middleware (HSTS, cookies) stay."""
    envelope = _ENVELOPES.get(page.status_code, _ENVELOPES[400])()
    page.status_code, page.content = envelope.status_code, envelope.content
    page.headers["Content-Type"] = envelope.headers["Content-Type"]
    page.headers.pop("Content-Length", None)
    return page


def _as_page(request: HttpRequest, refusal: HttpResponse) -> HttpResponse:
    handler: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(400)
    page = handler(request, exception=None)
    page.status_code = refusal.status_code
    return page


_ENVELOPES: Final[dict[int, Callable[[], HttpResponse]]] = {
    400: lambda: refused(400, ErrorType.VALIDATION_ERROR, "The request is malformed."),
    403: lambda: refused(403, ErrorType.CONFLICT, "The request was refused."),
    404: lambda: refused(404, ErrorType.NOT_FOUND, "There is nothing at this path."),
    405: lambda: refused(405, ErrorType.METHOD_NOT_ALLOWED, "This path does not accept this method."),
    500: lambda: refused(500, ErrorType.INTERNAL_ERROR, "An internal error occurred; it was logged."),
}
