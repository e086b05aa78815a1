"""The partner's server: calls of the Partner API, and of the Sandbox API, which plays the user."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from gateway.values.tokens import guest_token

BASKET = [
    {"ticker": "INFY", "quantity": 10, "type": "BUY"},
    {"ticker": "TCS", "quantity": 5, "type": "SELL"},
]
SECONDS = 40


@dataclass(frozen=True, slots=True)
class PartnerClient:
    url: str
    name: str
    api_secret: str
    jwt_secret: str

    def create(self, *, notes: str, securities: Sequence[Mapping[str, Any]] = BASKET) -> str:
        order = {"type": "SECURITIES", "securities": list(securities)}
        body = {"intent": "TRANSACTION", "orderConfig": order, "config": {"orderName": "Smart Basket"}, "notes": notes}
        return str(self._call("POST", f"/gateway/{self.name}/transaction", json=body)["transactionId"])

    def details(self, transaction_id: str) -> dict[str, Any]:
        path = f"/v1/{self.name}/engine/transactiondetails"
        return dict(self._call("GET", path, params={"transactionId": transaction_id})["transactionDetails"])

    def orders(self, batch_id: str) -> dict[str, Any]:
        (batch,) = self._call("GET", f"/v1/{self.name}/engine/orders/sst", params={"batchId": batch_id})
        return dict(batch)

    def create_order(self, order: Mapping[str, Any], *, token: str | None = None) -> str:
        """Creates an order on a smallcase; `token` is the connected user's."""
        body = {"intent": "TRANSACTION", "orderConfig": order}
        return str(self._call("POST", f"/gateway/{self.name}/transaction", token, json=body)["transactionId"])

    def create_errand(self, intent: str, *, token: str, **named: str) -> str:
        body = {"intent": intent, **named}
        return str(self._call("POST", f"/gateway/{self.name}/transaction", token, json=body)["transactionId"])

    def smallcase(self, scid: str) -> dict[str, Any]:
        return dict(self._call("GET", f"/v1/{self.name}/engine/smallcase", params={"scid": scid}))

    def smallcase_orders(self, batch_id: str) -> dict[str, Any]:
        (batch,) = self._call("GET", f"/v1/{self.name}/engine/orders/smt", params={"batchId": batch_id})
        return dict(batch)

    def investments(self, iscid: str, *, token: str) -> list[dict[str, Any]]:
        return list(self._call("GET", f"/v1/{self.name}/engine/user/investments", token, params={"iscid": iscid}))

    def exited(self, *, token: str) -> list[dict[str, Any]]:
        return list(self._call("GET", f"/v1/{self.name}/engine/user/exitedSmallcases", token))

    def play_user(self, transaction_id: str, client_id: str, *, wait: int, **user: Any) -> dict[str, Any]:
        path = f"/sandbox/{self.name}/transactions/{transaction_id}/complete"
        body = {"broker": "kite", "clientId": client_id, **user}
        return dict(self._call("POST", path, params={"wait": wait}, json=body))

    def advance_clock(self, duration: str) -> str:
        """Returns the gateway's time after the move."""
        return str(self._call("POST", f"/sandbox/{self.name}/clock", json={"advance": duration})["now"])

    def reset_clock(self) -> None:
        self._call("POST", f"/sandbox/{self.name}/clock", json={"reset": True})

    def set_hours(self, hours: str) -> None:
        self._call("POST", f"/sandbox/{self.name}/market", json={"hours": hours})

    def act(self, batch_id: str, ticker: str, action: str) -> None:
        path = f"/sandbox/{self.name}/batches/{batch_id}/orders/{ticker}/act"
        self._call("POST", path, json={"action": action})

    def _call(self, method: str, path: str, token: str | None = None, **sent: Any) -> Any:
        headers = {"x-gateway-secret": self.api_secret, "x-gateway-authtoken": token or guest_token(self.jwt_secret)}
        answer = requests.request(method, self.url + path, headers=headers, timeout=SECONDS, **sent).json()
        if not answer["success"]:
            raise Unexpected(f"{method} {path}", "success", "; ".join(answer["errors"]))
        return answer["data"]


class Unexpected(Exception):
    """A step differed from the contract."""

    def __init__(self, what: str, wanted: object, got: object) -> None:
        super().__init__(f"{what}: expected {wanted}, got {got}")
