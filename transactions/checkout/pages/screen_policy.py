"""Security headers of the screens: only our script runs, and only allowed origins may frame the page."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from gateway.http.security_headers import CSP, NOTHING, policy
from gateway.values.origins import is_app
from transactions.models import CheckoutSession

ALWAYS: Final = {
    # The URL is the session's only credential: keep it out of Referer headers, caches and search indexes.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    # A popup must keep its opener, and a cross-origin isolated page must be able to frame the checkout.
    "Cross-Origin-Opener-Policy": "unsafe-none",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
FOREIGN: Final = frozenset({"cross-site", "same-site"})


def guard(response: HttpResponse, session: CheckoutSession | None = None) -> HttpResponse:
    framers: Sequence[str] = session.transaction.gateway.allowed_origins if session else ()
    returns_to = _return_source(session.redirect_url) if session and session.redirect_url else ""
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
    """Whether another site's page sent the form. Origin is useless here: our Referrer-Policy makes it `null`."""
    return request.method == "POST" and request.headers.get("Sec-Fetch-Site") in FOREIGN


def logo_of(session: CheckoutSession) -> str:
    return str(session.transaction.config.get("orderLogo", ""))


def _origin(url: str) -> str:
    """The origin of `url`; empty without one, or if its characters could break out of the CSP directive."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = all(c.isascii() and (c.isalnum() or c in ".-:[]") for c in parts.netloc)
    return f"{parts.scheme}://{parts.netloc}" if plain and parts.scheme in {"http", "https"} else ""


def _return_source(url: str) -> str:
    """The CSP source of the page or app that the checkout returns to."""
    scheme = url.partition(":")[0].lower()
    return f"{scheme}:" if is_app(f"{scheme}://app") else _origin(url)
