"""Views of the page's requests and of webhooks: parse, one call, response. Starlette runs each in a thread."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jwt
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from shop import partner, snippets, webhook
from shop.gatekeeper import error
from shop.request import (
    auth_id_of,
    body_of,
    connected_auth_id_of,
    cookie_of,
    fields_of,
    partner_of,
    set_new_cookie,
    site_of,
    store_of,
    text_of,
    visitor_of,
)
from shop.store import Hit, Visitor

PAGE: Final = (Path(__file__).parent / "index.html").read_text()
SCID, OBJECT_ID = r"[A-Z]{2,8}_\d{4}", r"[0-9a-f]{24}"
ORDER_TYPES: Final = "INVESTMORE|FIX|REBALANCE|SIP|MANAGE|EXIT"
DURATIONS: Final = frozenset({"1m", "3m", "6m", "1y"})
MOST_SECURITIES: Final = 20
LONGEST_NAME: Final = 200


def page(request: Request) -> Response:
    """A new visitor gets the cookie with the page, so that two calls at once do not get two."""
    response = HTMLResponse(PAGE.replace("{{gateway}}", site_of(request).gateway_url))
    if not cookie_of(request):
        set_new_cookie(request, response)
    return response


def me(request: Request) -> Response:
    """All that the page needs for the SDK: no secret, and a token that lasts an hour."""
    return _me(request, visitor_of(request))


def connect(request: Request) -> Response:
    """The checkout gave the page a token for the user; the page sends it here, and its signature is checked.

    The new rights get a new cookie: a cookie that somebody else has planted is worth nothing afterwards.
    """
    token = text_of(request, "smallcaseAuthToken", r"[\w.-]{20,2000}")
    try:
        auth_id = partner.auth_id_in(partner_of(request), token)
    except jwt.InvalidTokenError:
        raise HTTPException(400, "The gateway has not signed this token.") from None
    visitor = Visitor(auth_id, text_of(request, "broker", r"[a-z]{2,20}"))
    response = _me(request, visitor)
    store_of(request).disconnect(cookie_of(request))
    store_of(request).connect(set_new_cookie(request, response), visitor)
    return response


def disconnect(request: Request) -> Response:
    store_of(request).disconnect(cookie_of(request))
    return _me(request, None)


def buy_basket(request: Request) -> Response:
    lines = fields_of(request).get("securities")
    if not isinstance(lines, list) or not 0 < len(lines) <= MOST_SECURITIES:
        raise HTTPException(400, f"A basket here has 1 to {MOST_SECURITIES} securities.")
    return _ordered(request, partner.buy_basket(partner_of(request), lines, auth_id=auth_id_of(request)))


def buy_smallcase(request: Request) -> Response:
    scid = text_of(request, "scid", SCID)
    return _ordered(request, partner.buy_smallcase(partner_of(request), scid, auth_id=auth_id_of(request)))


def order_on_investment(request: Request) -> Response:
    kind, iscid = text_of(request, "type", ORDER_TYPES), text_of(request, "iscid", OBJECT_ID)
    made = partner.order_on(partner_of(request), kind, iscid, auth_id=connected_auth_id_of(request))
    return _ordered(request, made)


def change_investment(request: Request) -> Response:
    intent, iscid = text_of(request, "intent", "SIP_SETUP|CANCEL_AMO"), text_of(request, "iscid", OBJECT_ID)
    made = partner.errand(partner_of(request), intent, auth_id=connected_auth_id_of(request), iscid=iscid)
    return _ordered(request, made)


def connect_account(request: Request) -> Response:
    intent = text_of(request, "intent", "CONNECT|HOLDINGS_IMPORT")
    return _ordered(request, partner.errand(partner_of(request), intent, auth_id=auth_id_of(request)))


def smallcases(request: Request) -> Response:
    return JSONResponse(partner.smallcases(partner_of(request)))


def smallcase(request: Request) -> Response:
    return JSONResponse(partner.smallcase(partner_of(request), request.query_params.get("scid", "")))


def chart(request: Request) -> Response:
    duration = request.query_params.get("duration", "1y")
    if duration not in DURATIONS:
        raise HTTPException(400, "duration must be 1m, 3m, 6m or 1y.")
    return JSONResponse(partner.chart(partner_of(request), request.query_params.get("scid", ""), duration))


def investments(request: Request) -> Response:
    return _of_user(request, lambda auth_id: partner.investments(partner_of(request), auth_id=auth_id))


def orders(request: Request) -> Response:
    return _of_user(request, lambda auth_id: {"orders": partner.orders(partner_of(request), auth_id=auth_id)})


def hits(request: Request) -> Response:
    after = request.query_params.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise HTTPException(400, "after must be a whole number.")
    return JSONResponse(store_of(request).hits(after=int(after)))


def receive_webhook(request: Request) -> Response:
    """Both proofs are checked and stored for the inbox; without both the event is not believed."""
    body, held = body_of(request), partner_of(request)
    signature = _fault(lambda: webhook.verify_signature(request.headers, body, held.webhook_secrets))
    try:
        event = webhook.event_in(body)
    except ValueError:
        raise HTTPException(400, "The body is not a JSON object.") from None
    checksum = _fault(lambda: webhook.verify_checksum(event, held.api_secret))
    store_of(request).take(_hit(request, checksum=checksum, signature=signature))
    if checksum or signature:
        return error(401, *filter(None, (checksum, signature)))
    return Response(status_code=204)


def code(request: Request) -> Response:
    return JSONResponse(snippets.snippets())


def _me(request: Request, visitor: Visitor | None) -> Response:
    held, auth_id = partner_of(request), visitor.auth_id if visitor else None
    return JSONResponse(
        {
            "gateway": held.name,
            "token": partner.token_for(held, auth_id),
            "connected": visitor is not None,
            "authId": auth_id,
            "broker": visitor.broker if visitor else None,
            "canPublish": bool(held.manager_token),
        }
    )


def _ordered(request: Request, made: Mapping[str, Any]) -> Response:
    """With a fresh token: the page may have been open for longer than a token lasts."""
    return JSONResponse({**made, "token": partner.token_for(partner_of(request), auth_id_of(request))})


def _of_user(request: Request, ask: Callable[[str], Mapping[str, Any]]) -> Response:
    """After a reset the gateway no longer knows the user: the visitor is disconnected."""
    auth_id = auth_id_of(request)
    if auth_id is None:
        return JSONResponse({"connected": False})
    try:
        return JSONResponse({"connected": True, **ask(auth_id)})
    except partner.Refused as refusal:
        if refusal.error_type != "InvalidJWT":
            raise
        store_of(request).disconnect(cookie_of(request))
        return JSONResponse({"connected": False})


def _fault(verify: Callable[[], None]) -> str:
    try:
        verify()
    except webhook.ForgedWebhook as reason:
        return str(reason)
    return ""


def _hit(request: Request, *, checksum: str, signature: str) -> Hit:
    names = ("webhook-id", "x-gateway-event", "x-gateway-sequence")
    webhook_id, kind, sequence = (request.headers.get(name, "")[:LONGEST_NAME] for name in names)
    return Hit(
        received_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        webhook_id=webhook_id,
        type=kind,
        sequence=sequence,
        body=body_of(request).decode("utf-8", "replace"),
        checksum=checksum,
        signature=signature,
    )
