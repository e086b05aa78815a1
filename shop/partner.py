"""The partner's server: what it sends to the gateway. The page shows these functions as they stand here."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import jwt
import requests

from shop.config import Partner

SECONDS: Final = 12
LIFE: Final = timedelta(hours=1)


class Refused(Exception):
    """The gateway said no: its status and its own sentences."""

    def __init__(self, status: int, sentences: list[str], error_type: str) -> None:
        super().__init__(" ".join(sentences))
        self.status, self.sentences, self.error_type = status, sentences, error_type


class GatewayUnreachable(Exception):
    """No answer, or none that is the gateway's."""


def token_for(partner: Partner, auth_id: str | None) -> str:
    who = {"smallcaseAuthId": auth_id} if auth_id else {"guest": True}
    return jwt.encode({**who, "exp": datetime.now(UTC) + LIFE}, partner.jwt_secret, algorithm="HS256")


def auth_id_in(partner: Partner, token: str) -> str:
    """Who logged in: believed because the gateway signed it with the secret that only we two know."""
    claims = jwt.decode(
        token,
        partner.jwt_secret,
        algorithms=["HS256"],
        leeway=60,  # seconds: clocks differ
        options={"require": ["exp", "smallcaseAuthId"]},
    )
    return str(claims["smallcaseAuthId"])


def call(partner: Partner, method: str, path: str, *, auth_id: str | None = None, **sent: Any) -> Any:
    headers = {"x-gateway-secret": partner.api_secret, "x-gateway-authtoken": token_for(partner, auth_id)}
    return send(method, partner.url + path, headers=headers | sent.pop("headers", {}), **sent)


def send(method: str, url: str, **sent: Any) -> Any:
    """What the gateway's envelope holds."""
    try:
        answer = requests.request(method, url, timeout=SECONDS, allow_redirects=False, **sent)
        envelope = answer.json()
        if envelope["success"]:
            return envelope["data"]
        raise Refused(answer.status_code, envelope["errors"], envelope["errorType"])
    except (requests.RequestException, KeyError, TypeError) as error:
        raise GatewayUnreachable("The gateway does not answer.") from error


def create_transaction(partner: Partner, body: Mapping[str, Any], *, auth_id: str | None) -> dict[str, Any]:
    """Once, though it may be sent twice: the gateway knows the second by its key."""
    path, key = f"/gateway/{partner.name}/transaction", {"Idempotency-Key": str(uuid4())}
    try:
        return dict(call(partner, "POST", path, auth_id=auth_id, json=body, headers=key))
    except GatewayUnreachable:
        return dict(call(partner, "POST", path, auth_id=auth_id, json=body, headers=key))


def buy_basket(partner: Partner, securities: list[dict[str, Any]], *, auth_id: str | None) -> dict[str, Any]:
    """A basket of securities: each with ticker, quantity and type (BUY or SELL)."""
    order = {"type": "SECURITIES", "securities": securities}
    body = {"intent": "TRANSACTION", "orderConfig": order, "config": {"orderName": "Your basket"}}
    return create_transaction(partner, body, auth_id=auth_id)


def buy_smallcase(partner: Partner, scid: str, *, auth_id: str | None) -> dict[str, Any]:
    """The user chooses the amount on the checkout's screen."""
    body = {"intent": "TRANSACTION", "orderConfig": {"type": "BUY", "scid": scid}}
    return create_transaction(partner, body, auth_id=auth_id)


def order_on(partner: Partner, kind: str, iscid: str, *, auth_id: str) -> dict[str, Any]:
    """INVESTMORE, FIX, REBALANCE, SIP, MANAGE or EXIT on an invested smallcase: its owner's token only."""
    body = {"intent": "TRANSACTION", "orderConfig": {"type": kind, "iscid": iscid}}
    return create_transaction(partner, body, auth_id=auth_id)


def errand(partner: Partner, intent: str, *, auth_id: str | None, **named: str) -> dict[str, Any]:
    """SIP_SETUP and CANCEL_AMO name an iscid; CONNECT and HOLDINGS_IMPORT name nothing."""
    return create_transaction(partner, {"intent": intent, **named}, auth_id=auth_id)


def smallcases(partner: Partner) -> list[dict[str, Any]]:
    path = f"/v1/{partner.name}/engine/smallcases"
    return list(call(partner, "GET", path, params={"sortBy": "minInvestAmount", "count": 50})["smallcases"])


def smallcase(partner: Partner, scid: str) -> dict[str, Any]:
    return dict(call(partner, "GET", f"/v1/{partner.name}/engine/smallcase", params={"scid": scid}))


def chart(partner: Partner, scid: str, duration: str) -> dict[str, Any]:
    wanted = {"scid": scid, "duration": duration}
    return dict(call(partner, "GET", f"/v1/{partner.name}/engine/smallcase/chart", params=wanted))


def investments(partner: Partner, *, auth_id: str) -> dict[str, Any]:
    """What is invested and earned, and what can be done next; what was exited; the last import of holdings."""
    engine, mine = f"/v1/{partner.name}/engine/user", {"auth_id": auth_id}
    return {
        **call(partner, "GET", f"{engine}/investments", params={"aggregatedData": "true"}, **mine),
        "exited": call(partner, "GET", f"{engine}/exitedSmallcases", **mine),
        "holdings": _holdings(partner, f"{engine}/holdings", auth_id),
    }


def orders(partner: Partner, *, auth_id: str) -> list[dict[str, Any]]:
    """The user's newest batches of either kind."""
    engine = f"/v1/{partner.name}/engine/orders"
    both = [call(partner, "GET", f"{engine}/{kind}", auth_id=auth_id, params={"count": 10}) for kind in ("sst", "smt")]
    return [batch for batches in both for batch in batches]


def _holdings(partner: Partner, path: str, auth_id: str) -> Any:
    """None where nothing was imported yet."""
    try:
        return call(partner, "GET", path, auth_id=auth_id, params={"version": "v2"})
    except Refused as refusal:
        if refusal.status != 404:
            raise
        return None
