"""What a partner's site needs beside scdk.js: requests only from its own page, and headers that limit the page."""

from asyncio import timeout
from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from shop.config import Site

BODY_SECONDS: Final = 10
WEBHOOKS: Final = "/webhooks"  # the only POST that does not come from a page
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # With `same-origin` alone the page would lose the checkout's popup.
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Gatekeeper:
    """Starlette calls it around every request. `sites`: by Host header.

    The event loop receives the whole body before a thread runs the view: slow senders cannot hold the threads.
    """

    def __init__(self, sites: Mapping[str, Site]) -> None:
        self._sites = sites

    async def __call__(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        site = self._sites.get(request.headers.get("host", ""))
        try:
            await _admit(request, site)
            response = await call_next(request)
        except HTTPException as refusal:
            response = error(refusal.status_code, refusal.detail)
        is_asset = request.scope["path"].startswith("/assets/")
        response.headers.update({**HEADERS, "Content-Security-Policy": policy(site)})
        response.headers["Cache-Control"] = "no-cache" if is_asset else "no-store"
        return response


async def _admit(request: Request, site: Site | None) -> None:
    if site is None:
        raise HTTPException(400, "The demo site is not served under this host name.")
    if request.method == "POST" and request.scope["path"] != WEBHOOKS:
        _require_same_origin(request, site)
    try:
        async with timeout(BODY_SECONDS):
            body = await request.body()
    except (TimeoutError, ClientDisconnect):
        raise HTTPException(408, "The body did not arrive in time.") from None
    request.state.site, request.state.body = site, body


def _require_same_origin(request: Request, site: Site) -> None:
    """Browsers send Origin with every POST, and a page cannot change it."""
    is_same_site = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    if request.headers.get("origin") != site.origin or not is_same_site:
        raise HTTPException(403, "Only the demo site's own page may send this request.")


def error(status: int, *sentences: str) -> Response:
    return JSONResponse({"errors": sentences}, status)


def policy(site: Site | None) -> str:
    """The SDK needs the gateway's origin for its script, its calls and its frame. Nothing is inline."""
    gateway = site.gateway_url if site else ""
    rules = {
        "default-src": "'none'",
        "script-src": f"'self' {gateway}",
        "connect-src": f"'self' {gateway}",
        "frame-src": gateway or "'none'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
    }
    return "; ".join(f"{name} {sources}".rstrip() for name, sources in rules.items())
