"""What a browser may do with an answer, said in its headers; and which host names are answered at all.

A view that needs another policy sets the header itself, and is left alone: a page with a script of its own, framed by
a partner, answers with `Content-Security-Policy: policy(PAGE, script_src="'self' 'nonce-…'", frame_ancestors=origin)`
and is exempt from X-Frame-Options (`xframe_options_exempt`).
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
# Asked for by address, by load balancers and Prometheus.
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})


def policy(base: Mapping[str, str], **changed: str) -> str:
    """The header's text: `base` with some directives changed, their hyphens written as underscores."""
    return "; ".join(f"{name.replace('_', '-')} {sources}" for name, sources in {**base, **changed}.items())


class SafeHeaders:
    """Outermost but for the request's id, so that a refusal from any other middleware carries them as well."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in {**ALWAYS, **_by_type(response.headers.get("Content-Type", ""))}.items():
            response.headers.setdefault(name, value)
        return response


class KnownHost:
    """ALLOWED_HOSTS holds for every path; Django alone asks only where a URL is built."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in PROBES:
            request.get_host()  # raises DisallowedHost, a 400
        return self.get_response(request)


def _by_type(content_type: str) -> dict[str, str]:
    if content_type.startswith("text/html"):
        return {CSP: policy(PAGE)}
    # Answers carry tokens and a user's holdings: no cache between here and the partner keeps them.
    fresh = {"Cache-Control": "no-store"} if content_type.startswith("application/json") else {}
    return {CSP: policy(NOTHING), **fresh}
