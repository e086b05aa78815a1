"""Handlers of the page's requests and of webhooks: parse, one call, answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import jwt

from shop import partner, sandbox, snippets, webhook
from shop.answering import Answer, done, refused
from shop.asking import HOOK, Asked, Refusal
from shop.config import Partner
from shop.store import Hit, Store, Visitor

TICKER, SCID, OBJECT_ID = r"[A-Z0-9&-]{1,20}", r"[A-Z]{2,8}_\d{4}", r"[0-9a-f]{24}"
KINDS: Final = "INVESTMORE|FIX|REBALANCE|SIP|MANAGE|EXIT"
ERRANDS: Final = "SIP_SETUP|CANCEL_AMO"
DURATIONS: Final = frozenset({"1m", "3m", "6m", "1y"})
MOST_SECURITIES: Final = 20
LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Shop:
    partner: Partner
    store: Store

    def visitor(self, request: Asked) -> Visitor | None:
        return self.store.visitor(request.cookie) if request.cookie else None

    def auth_id(self, request: Asked) -> str | None:
        visitor = self.visitor(request)
        return visitor.auth_id if visitor else None

    def connected(self, request: Asked) -> str:
        if auth_id := self.auth_id(request):
            return auth_id
        raise Refusal(409, "Connect a broker account first: buy something, or use Connect.")


def me(shop: Shop, request: Asked) -> Answer:
    """All that the page needs for the SDK: no secret, and a token that lasts an hour."""
    return _me(shop, shop.visitor(request))


def _me(shop: Shop, visitor: Visitor | None) -> Answer:
    return done(
        {
            "gateway": shop.partner.name,
            "token": partner.token_for(shop.partner, visitor.auth_id if visitor else None),
            "connected": visitor is not None,
            "authId": visitor.auth_id if visitor else None,
            "broker": visitor.broker if visitor else None,
            "canPublish": bool(shop.partner.manager_token),
        }
    )


def connect(shop: Shop, request: Asked) -> Answer:
    """The checkout gave the page a token for the user; the page passes it on, and we check its signature.

    A new cookie with the new rights: one that somebody else has planted is worth nothing afterwards.
    """
    try:
        auth_id = partner.auth_id_in(shop.partner, request.text("smallcaseAuthToken", r"[\w.-]{20,2000}"))
    except jwt.InvalidTokenError:
        raise Refusal(400, "This token is none that the gateway has signed.") from None
    visitor = Visitor(auth_id, request.text("broker", r"[a-z]{2,20}"))
    shop.store.disconnect(request.cookie)
    shop.store.connect(request.give_cookie(), visitor)
    return _me(shop, visitor)


def disconnect(shop: Shop, request: Asked) -> Answer:
    shop.store.disconnect(request.cookie)
    return _me(shop, None)


def basket(shop: Shop, request: Asked) -> Answer:
    lines = request.json.get("securities")
    if not isinstance(lines, list) or not 0 < len(lines) <= MOST_SECURITIES:
        raise Refusal(400, f"A basket here has 1 to {MOST_SECURITIES} securities.")
    return _ordered(shop, request, partner.buy_basket(shop.partner, lines, auth_id=shop.auth_id(request)))


def buy(shop: Shop, request: Asked) -> Answer:
    made = partner.buy_smallcase(shop.partner, request.text("scid", SCID), auth_id=shop.auth_id(request))
    return _ordered(shop, request, made)


def order(shop: Shop, request: Asked) -> Answer:
    kind, iscid = request.text("type", KINDS), request.text("iscid", OBJECT_ID)
    return _ordered(shop, request, partner.order_on(shop.partner, kind, iscid, auth_id=shop.connected(request)))


def errand(shop: Shop, request: Asked) -> Answer:
    intent, iscid = request.text("intent", ERRANDS), request.text("iscid", OBJECT_ID)
    made = partner.errand(shop.partner, intent, auth_id=shop.connected(request), iscid=iscid)
    return _ordered(shop, request, made)


def connecting(shop: Shop, request: Asked) -> Answer:
    made = partner.errand(
        shop.partner, request.text("intent", "CONNECT|HOLDINGS_IMPORT"), auth_id=shop.auth_id(request)
    )
    return _ordered(shop, request, made)


def smallcases(shop: Shop, request: Asked) -> Answer:
    return done(partner.smallcases(shop.partner))


def smallcase(shop: Shop, request: Asked) -> Answer:
    return done(partner.smallcase(shop.partner, request.query.get("scid", "")))


def chart(shop: Shop, request: Asked) -> Answer:
    duration = request.query.get("duration", "1y")
    if duration not in DURATIONS:
        raise Refusal(400, "duration must be 1m, 3m, 6m or 1y.")
    return done(partner.chart(shop.partner, request.query.get("scid", ""), duration))


def investments(shop: Shop, request: Asked) -> Answer:
    return _mine(shop, request, lambda auth_id: partner.investments(shop.partner, auth_id=auth_id))


def orders(shop: Shop, request: Asked) -> Answer:
    return _mine(shop, request, lambda auth_id: {"orders": partner.orders(shop.partner, auth_id=auth_id)})


def hits(shop: Shop, request: Asked) -> Answer:
    after = request.query.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise Refusal(400, "after must be a whole number.")
    return done(shop.store.hits(after=int(after)))


def receive(shop: Shop, request: Asked) -> Answer:
    """Both proofs are looked at and kept, that the inbox can show them; without both nothing is believed."""
    signature = _fault(lambda: webhook.verify_signature(request.headers, request.body, shop.partner.webhook_secrets))
    try:
        event = webhook.event_in(request.body)
    except ValueError:
        return refused(400, "The body is not a JSON object.")
    checksum = _fault(lambda: webhook.verify_checksum(event, shop.partner.api_secret))
    shop.store.take(_hit(request, checksum=checksum, signature=signature))
    if checksum or signature:
        return refused(401, *filter(None, (checksum, signature)))
    return Answer(204, b"")


def code(shop: Shop, request: Asked) -> Answer:
    return done(snippets.snippets())


def _ordered(shop: Shop, request: Asked, made: Mapping[str, Any]) -> Answer:
    """With a fresh token: the page may have stood open for longer than one lasts."""
    return done({**made, "token": partner.token_for(shop.partner, shop.auth_id(request))})


def _mine(shop: Shop, request: Asked, ask: Callable[[str], Mapping[str, Any]]) -> Answer:
    """Of a user whom the gateway no longer knows, as after a reset, nothing is left to show."""
    auth_id = shop.auth_id(request)
    if auth_id is None:
        return done({"connected": False})
    try:
        return done({"connected": True, **ask(auth_id)})
    except partner.Refused as refusal:
        if refusal.error_type != "InvalidJWT":
            raise
        shop.store.disconnect(request.cookie)
        return done({"connected": False})


def _fault(look: Callable[[], None]) -> str:
    try:
        look()
    except webhook.ForgedWebhook as reason:
        return str(reason)
    return ""


def _hit(request: Asked, *, checksum: str, signature: str) -> Hit:
    named = ("webhook-id", "x-gateway-event", "x-gateway-sequence")
    webhook_id, kind, sequence = (request.headers.get(name, "")[:LONGEST_NAME] for name in named)
    return Hit(
        received_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        webhook_id=webhook_id,
        type=kind,
        sequence=sequence,
        body=request.body.decode("utf-8", "replace"),
        checksum=checksum,
        signature=signature,
    )


Handler = Callable[[Shop, Asked], Answer]
HANDLERS: Final[Mapping[tuple[str, str], Handler]] = {
    ("POST", HOOK): receive,
    ("GET", "/api/me"): me,
    ("POST", "/api/connect"): connect,
    ("POST", "/api/disconnect"): disconnect,
    ("POST", "/api/order/basket"): basket,
    ("POST", "/api/order/buy"): buy,
    ("POST", "/api/order/on"): order,
    ("POST", "/api/order/errand"): errand,
    ("POST", "/api/order/account"): connecting,
    ("GET", "/api/smallcases"): smallcases,
    ("GET", "/api/smallcase"): smallcase,
    ("GET", "/api/chart"): chart,
    ("GET", "/api/investments"): investments,
    ("GET", "/api/orders"): orders,
    ("GET", "/api/webhooks"): hits,
    ("GET", "/api/code"): code,
    ("GET", "/api/sandbox"): lambda shop, request: done(sandbox.state(shop.partner)),
    ("POST", "/api/sandbox/clock"): lambda shop, request: done(sandbox.move_clock(shop.partner, request)),
    ("POST", "/api/sandbox/market"): lambda shop, request: done(sandbox.set_market(shop.partner, request)),
    ("POST", "/api/sandbox/price"): lambda shop, request: done(sandbox.pin(shop.partner, request)),
    ("POST", "/api/sandbox/rebalance"): lambda shop, request: done(sandbox.publish(shop.partner, request)),
    ("POST", "/api/sandbox/reset"): lambda shop, request: done(sandbox.reset(shop.partner, shop.store)),
}
