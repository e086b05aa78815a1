"""What only a test gateway can do, by its Sandbox API; and the manager's part, by the Manager API."""

from collections.abc import Sequence
from typing import Any, Final

from shop.asking import Asked, Refusal
from shop.config import Partner
from shop.partner import call, send, smallcase
from shop.store import Store

DURATION: Final = r"P(\d{1,3}D)?(T(\d{1,4}H)?(\d{1,4}M)?)?"
MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z"
LABEL: Final = "Played at the demo site"


def state(partner: Partner) -> dict[str, Any]:
    """The market tells the clock as well."""
    return {
        "market": call(partner, "GET", f"/sandbox/{partner.name}/market"),
        "personas": call(partner, "GET", f"/sandbox/{partner.name}/scenarios")["personas"],
    }


def move_clock(partner: Partner, request: Asked) -> Any:
    wanted = request.json
    if "advance" in wanted:
        body: dict[str, Any] = {"advance": request.text("advance", DURATION)}
    elif "set" in wanted:
        body = {"set": request.text("set", MOMENT)}
    else:
        body = {"reset": True}
    return call(partner, "POST", f"/sandbox/{partner.name}/clock", json=body)


def set_market(partner: Partner, request: Asked) -> Any:
    hours = request.text("hours", "always|nse|closed")
    return call(partner, "POST", f"/sandbox/{partner.name}/market", json={"hours": hours})


def pin(partner: Partner, request: Asked) -> Any:
    """Without a price the pin is taken out."""
    path = f"/sandbox/{partner.name}/prices/{request.text('ticker', r'[A-Z0-9&-]{1,20}')}"
    price = request.json.get("price")
    if price is None:
        return call(partner, "DELETE", path)
    return call(partner, "PUT", path, json={"price": price})


def reset(partner: Partner, store: Store) -> dict[str, bool]:
    """The gateway first: should that fail, we still know our users."""
    call(partner, "POST", f"/sandbox/{partner.name}/reset")
    store.clear()
    return {"reset": True}


def publish(partner: Partner, request: Asked) -> Any:
    """A new version: a third of the heaviest weight goes to the lightest."""
    if not partner.manager_token:
        raise Refusal(409, "This demo site has no manager's token.")
    newest = smallcase(partner, request.text("scid", r"[A-Z]{2,8}_\d{4}"))
    body = {"label": LABEL, "onTopOf": newest["version"], "constituents": shifted(newest["constituents"])}
    return _as_manager(partner, f"/manager/v1/smallcases/{newest['scid']}/rebalances", body)


def shifted(constituents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Weights in per cent with four decimals, counted in ten-thousandths, so that they sum to 100 exactly."""
    parts = {line["ticker"]: round(line["weight"] * 1_000_000) for line in constituents}
    heaviest = max(parts, key=lambda ticker: parts[ticker])
    lightest = min((ticker for ticker in parts if ticker != heaviest), key=lambda ticker: parts[ticker])
    moved = parts[heaviest] // 3
    parts[heaviest] -= moved
    parts[lightest] += moved
    return [{"ticker": ticker, "weight": part / 10_000} for ticker, part in parts.items()]


def _as_manager(partner: Partner, path: str, body: dict[str, Any]) -> Any:
    return send("POST", partner.url + path, headers={"Authorization": f"Token {partner.manager_token}"}, json=body)
