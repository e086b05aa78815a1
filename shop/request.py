"""What a view reads from a request: the app's objects, fields of the JSON body, and the visitor."""

import json
import re
import secrets
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shop.config import Partner, Site
from shop.store import Store, Visitor

COOKIE: Final = "shop_visitor"
COOKIE_FORM: Final = re.compile(r"[A-Za-z0-9_-]{43}")
YEAR: Final = 31_536_000  # seconds


def partner_of(request: Request) -> Partner:
    partner: Partner = request.app.state.partner
    return partner


def store_of(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def site_of(request: Request) -> Site:
    site: Site = request.state.site
    return site


def body_of(request: Request) -> bytes:
    body: bytes = request.state.body
    return body


def fields_of(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise HTTPException(415, "The body must be application/json.")
    try:
        fields = json.loads(body_of(request))
    except (ValueError, RecursionError):
        raise HTTPException(400, "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise HTTPException(400, "The body must be a JSON object.")
    return fields


def text_of(request: Request, name: str, form: str) -> str:
    """A field of the body, if it matches this regular expression."""
    value = fields_of(request).get(name)
    if not isinstance(value, str) or not re.fullmatch(form, value):
        raise HTTPException(400, f"{name} is missing or malformed.")
    return value


def cookie_of(request: Request) -> str:
    """The visitor's cookie; empty if there is none of the right form."""
    value = request.cookies.get(COOKIE, "")
    return value if COOKIE_FORM.fullmatch(value) else ""


def set_new_cookie(request: Request, response: Response) -> str:
    value = secrets.token_urlsafe(32)
    is_https = site_of(request).origin.startswith("https:")
    response.set_cookie(COOKIE, value, max_age=YEAR, httponly=True, samesite="lax", secure=is_https)
    return value


def visitor_of(request: Request) -> Visitor | None:
    cookie = cookie_of(request)
    return store_of(request).visitor(cookie) if cookie else None


def auth_id_of(request: Request) -> str | None:
    visitor = visitor_of(request)
    return visitor.auth_id if visitor else None


def connected_auth_id_of(request: Request) -> str:
    if auth_id := auth_id_of(request):
        return auth_id
    raise HTTPException(409, "Connect a broker account first: buy something, or use Connect.")
