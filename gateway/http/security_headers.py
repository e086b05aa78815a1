"""Security headers, and the host names that are answered.

A view that needs another policy sets the header itself, and the middleware keeps it. A page with its own script,
framed by a partner, answers with
`Content-Security-Policy: policy(PAGE, script_src="'self' 'nonce-…'", frame_ancestors=origin)` and is exempt from
X-Frame-Options (`xframe_options_exempt`).
"""

from collections.abc import Callable, Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]
CSP: Final = "Content-Security-Policy"
NOTHING: Final[Mapping[str, str]] = {"default_src": "'none'", "frame_ancestors": "'none'"}
PAGE: Final[Mapping[str, str]] = {
    "default_src": "'self'",
    "img_src": "'self' data:",  # Swagger's icons
    "object_src": "'none'",
    "base_uri": "'none'",
    "form_action": "'self'",
    "frame_ancestors": "'none'",
}
POWERS: Final = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
ALWAYS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{power}=()" for power in POWERS),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Requested by IP address, by load balancers and Prometheus.
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})


def policy(base: Mapping[str, str], **changed: str) -> str:
    """The header's value: `base` with the given directives changed; underscores stand for hyphens."""
    return "; ".join(f"{name.replace('_', '-')} {sources}" for name, sources in {**base, **changed}.items())


class SafeHeaders:
    """Outermost except for RequestId, so that errors from other middleware get the headers as well."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in {**ALWAYS, **_by_type(response.headers.get("Content-Type", ""))}.items():
            response.headers.setdefault(name, value)
        return response


class KnownHost:
    """Checks ALLOWED_HOSTS for every path; Django checks it only when a URL is built."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in PROBES:
            request.get_host()  # raises DisallowedHost, a 400
        return self.get_response(request)


def _by_type(content_type: str) -> dict[str, str]:
    if content_type.startswith("text/html"):
        return {CSP: policy(PAGE)}
    # Responses contain tokens and users' holdings: no cache may keep them.
    fresh = {"Cache-Control": "no-store"} if content_type.startswith("application/json") else {}
    return {CSP: policy(NOTHING), **fresh}
