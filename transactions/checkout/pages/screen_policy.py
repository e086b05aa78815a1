"""What a browser may do with a screen: run our script and no other, frame it only where the partner allowed it."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from gateway.http.security_headers import CSP, NOTHING, policy
from transactions.models import CheckoutSession

ALWAYS: Final = {
    # The URL is the session's only credential: it goes into no Referer, no cache and no index.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    # A popup must keep its opener, and a page that isolates itself must be able to frame us.
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
FOREIGN: Final = frozenset({"cross-site", "same-site"})


def guard(response: HttpResponse, session: CheckoutSession | None = None) -> HttpResponse:
    framers: Sequence[str] = session.transaction.gateway.allowed_origins if session else ()
    returns_to = _origin(session.redirect_url) if session and session.redirect_url else ""
    logo = _origin(logo_of(session)) if session else ""
    response[CSP] = policy(
        NOTHING,
        script_src="'self'",
        style_src="'self'",
        connect_src="'self'",
        img_src=f"'self' {logo}".strip(),
        form_action=f"'self' {returns_to}".strip(),
        base_uri="'none'",
        frame_ancestors=" ".join(framers) or "'none'",
    )
    for name, value in ALWAYS.items():
        response[name] = value
    return response


def is_foreign(request: HttpRequest) -> bool:
    """A form sent by another site's page. Not told by Origin, which our Referrer-Policy makes `null`."""
    return request.method == "POST" and request.headers.get("Sec-Fetch-Site") in FOREIGN


def logo_of(session: CheckoutSession) -> str:
    return str(session.transaction.config.get("orderLogo", ""))


def _origin(url: str) -> str:
    """Empty where there is none, or where it could end the directive that it goes into."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = all(c.isascii() and (c.isalnum() or c in ".-:[]") for c in parts.netloc)
    return f"{parts.scheme}://{parts.netloc}" if plain and parts.scheme in {"http", "https"} else ""
