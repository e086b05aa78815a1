"""What only a test gateway can do, by its Sandbox API; and the manager's part, by the Manager API."""

import re
from collections.abc import Sequence
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shop.partner import call, send, smallcase
from shop.request import fields_of, partner_of, store_of, text_of

DURATION: Final = r"P(\d{1,3}D)?(T(\d{1,4}H)?(\d{1,4}M)?)?"
MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"
BROKER: Final = r"[a-z]{2,20}"
VERB: Final = r"login|funds|holdings|place|order_book|cancel"
FAULT: Final = r"[a-z_]{4,13}(:\d{1,4}(\.\d{1,3})?)?"
LABEL: Final = "Played at the demo site"


def state(request: Request) -> Response:
    """The market's state includes the clock."""
    market, scenarios = _call(request, "GET", "market"), _call(request, "GET", "scenarios")
    return JSONResponse({"market": market, "personas": scenarios["personas"], "faults": scenarios["faults"]})


def move_clock(request: Request) -> Response:
    fields = fields_of(request)
    body: dict[str, Any] = {"reset": True}
    if "advance" in fields:
        body = {"advance": text_of(request, "advance", DURATION)}
    elif "set" in fields:
        body = {"set": text_of(request, "set", MOMENT)}
    return JSONResponse(_call(request, "POST", "clock", json=body))


def set_hours(request: Request) -> Response:
    hours = text_of(request, "hours", "always|nse|closed")
    return JSONResponse(_call(request, "POST", "market", json={"hours": hours}))


def fix_price(request: Request) -> Response:
    """Without a price the fixed price is removed."""
    path = f"prices/{text_of(request, 'ticker', r'[A-Z0-9&-]{1,20}')}"
    price = fields_of(request).get("price")
    if price is None:
        return JSONResponse(_call(request, "DELETE", path))
    return JSONResponse(_call(request, "PUT", path, json={"price": price}))


def faults(request: Request) -> Response:
    """The fault of each verb at a broker, or null."""
    broker = request.query_params.get("broker", "")
    if not re.fullmatch(BROKER, broker):
        raise HTTPException(400, "broker is missing or malformed.")
    return JSONResponse(_call(request, "GET", f"brokers/{broker}/faults"))


def switch_fault(request: Request) -> Response:
    """Without a verb all of the broker's faults are cleared."""
    path = f"brokers/{text_of(request, 'broker', BROKER)}/faults"
    if fields_of(request).get("verb") is None:
        return JSONResponse(_call(request, "DELETE", path))
    fault = {text_of(request, "verb", VERB): text_of(request, "fault", FAULT)}
    return JSONResponse(_call(request, "PUT", path, json=fault))


def reset(request: Request) -> Response:
    """The gateway first: if that fails, the shop still knows its users."""
    _call(request, "POST", "reset")
    store_of(request).clear()
    return JSONResponse({"reset": True})


def publish_rebalance(request: Request) -> Response:
    """A new version: a third of the heaviest weight goes to the lightest."""
    partner = partner_of(request)
    if not partner.manager_token:
        raise HTTPException(409, "This demo site has no manager's token.")
    newest = smallcase(partner, text_of(request, "scid", r"[A-Z]{2,8}_\d{4}"))
    body = {"label": LABEL, "onTopOf": newest["version"], "constituents": shifted(newest["constituents"])}
    url = f"{partner.url}/manager/v1/smallcases/{newest['scid']}/rebalances"
    return JSONResponse(send("POST", url, headers={"Authorization": f"Token {partner.manager_token}"}, json=body))


def shifted(constituents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Weights in per cent with four decimals, counted in ten-thousandths, so that they sum to 100 exactly."""
    parts = {line["ticker"]: round(line["weight"] * 1_000_000) for line in constituents}
    heaviest = max(parts, key=lambda ticker: parts[ticker])
    lightest = min((ticker for ticker in parts if ticker != heaviest), key=lambda ticker: parts[ticker])
    moved = parts[heaviest] // 3
    parts[heaviest] -= moved
    parts[lightest] += moved
    return [{"ticker": ticker, "weight": part / 10_000} for ticker, part in parts.items()]


def _call(request: Request, method: str, path: str, **sent: Any) -> Any:
    partner = partner_of(request)
    return call(partner, method, f"/sandbox/{partner.name}/{path}", **sent)
