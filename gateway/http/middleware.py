"""Before and after every view: the request's id, the envelope of what no view answered, the body's limit."""

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
SCREENS: Final = "/checkout/s/"  # for people: what is refused there is a page as well, the installation's handler400
CUT_SHORT: Final = "gateway.body_cut_short"  # in a request's META, by gateway.rsgi
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


class TrailingSlash:
    """A path is served with a slash at its end as without one: a redirect would lose a POST's body.

    What has a route of its own with the slash, such as a page of the console, keeps it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.endswith("/") and not is_valid_path(path) and is_valid_path(path[:-1]):
            request.path_info, request.path = path[:-1], request.path[:-1]
        return self.get_response(request)


class Envelope:
    """Django's own HTML errors (an unknown path, a bad host, a crash) become the envelope, except in the admin.

    On the checkout's screens it is the other way round: what was refused before any view saw it becomes a page.
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
            return unavailable("The database is not available.")
        return None


def body_limit(path: str) -> int:
    """In bytes; the console takes uploads."""
    return settings.CONSOLE_BODY_LIMIT_BYTES if path.startswith(ADMIN) else settings.BODY_LIMIT_BYTES


def stated_length(text: str) -> int | None:
    """In bytes, from a Content-Length; None for text that is not a number, or has more digits than a length needs."""
    return int(text) if text.isdecimal() and len(text) < 20 else None


class BodyLimit:
    """No body is read that is above the limit, packed, of unknown length, or cut short on its way."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return _refused_body(request) or self.get_response(request)


View = TypeVar("View", bound=Callable[..., HttpResponse])


def takes_a_file(view: View) -> View:
    """Marks the rare view that a file may be sent to (WantedFiles)."""
    vars(view)["takes_a_file"] = True
    return view


class WantedFiles:
    """On the pages for people a file is refused where none is asked for. The APIs read JSON and nothing else."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., HttpResponse], *_: Any) -> None:
        is_form = request.path.startswith((ADMIN, SCREENS)) and request.content_type == "multipart/form-data"
        if is_form and not getattr(view, "takes_a_file", False) and request.FILES:
            raise TooManyFilesSent("No file is asked for here.")


def _refused_body(request: HttpRequest) -> HttpResponse | None:
    """Whatever the method: there is no request whose body could be passed over."""
    sent, limit = request.META.get("CONTENT_LENGTH") or "", body_limit(request.path)
    if request.META.get(CUT_SHORT):
        sentence = f"The body did not arrive whole within {settings.BODY_SECONDS} s."
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
    response = refused(503, ErrorType.SERVICE_UNAVAILABLE, *sentences)
    response["Retry-After"] = "5"
    return response


def _in_envelope(page: HttpResponse) -> HttpResponse:
    """The same response, so that what others have put into its headers (HSTS, cookies) stays."""
    envelope = _ENVELOPES.get(page.status_code, _bad_request)()
    page.status_code, page.content = envelope.status_code, envelope.content
    page.headers["Content-Type"] = envelope.headers["Content-Type"]
    page.headers.pop("Content-Length", None)
    return page


def _as_page(request: HttpRequest, refusal: HttpResponse) -> HttpResponse:
    handler: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(400)
    page = handler(request, exception=None)
    page.status_code = refusal.status_code
    return page


def _bad_request() -> HttpResponse:
    return refused(400, ErrorType.VALIDATION_ERROR, "The request is malformed.")


_ENVELOPES: Final[dict[int, Callable[[], HttpResponse]]] = {
    403: lambda: refused(403, ErrorType.CONFLICT, "The request was refused."),
    404: lambda: refused(404, ErrorType.NOT_FOUND, "There is nothing at this path."),
    405: lambda: refused(405, ErrorType.METHOD_NOT_ALLOWED, "This path does not take that method."),
    500: lambda: refused(500, ErrorType.INTERNAL_ERROR, "Something went wrong on our side; it was recorded."),
}
