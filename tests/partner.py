"""A partner's server in a test: speaks HTTP to the gateway in this process, with its credentials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from gateway.values.tokens import connected_token, guest_token

BASKET = (
    {"ticker": "INFY", "quantity": 10, "type": "BUY"},
    {"ticker": "TCS", "quantity": 5, "type": "SELL"},
)
Json = dict[str, Any]


@dataclass
class Partner:
    name: str
    api_secret: str
    jwt_secret: str
    webhook_secret: str | None = None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def headers(self, *, auth_id: str | None = None, **more: str) -> dict[str, str]:
        token = connected_token(self.jwt_secret, auth_id=auth_id) if auth_id else guest_token(self.jwt_secret)
        return {"x-gateway-secret": self.api_secret, "x-gateway-authtoken": token, **more}

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        auth_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Any = None,
    ) -> "Answer":
        sent = self.headers(auth_id=auth_id) if headers is None else dict(headers)
        response = self.client.generic(
            method,
            path.replace("{gateway}", self.name),
            b"" if body is None else body if isinstance(body, bytes) else _json(body),
            content_type="application/json",
            headers=sent,
            query_params=query,
        )
        return Answer(response.status_code, response.json(), dict(response.headers))

    def create(
        self, securities: Sequence[Mapping[str, Any]] = BASKET, *, auth_id: str | None = None, **more: Any
    ) -> str:
        """The id of a new TRANSACTION."""
        body = {"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": list(securities)}, **more}
        answer = self.call("POST", "/gateway/{gateway}/transaction", body, auth_id=auth_id)
        assert answer.status == 200, answer.body
        return str(answer.data["transactionId"])

    def create_smallcase(self, kind: str, *, auth_id: str | None = None, **named: Any) -> str:
        """The id of a new smallcase order."""
        body = {"intent": "TRANSACTION", "orderConfig": {"type": kind, **named}}
        answer = self.call("POST", "/gateway/{gateway}/transaction", body, auth_id=auth_id)
        assert answer.status == 200, answer.body
        return str(answer.data["transactionId"])

    def complete(
        self, transaction_id: str, client_id: str = "happy", *, broker: str = "kite", wait: float = 0, **user: Any
    ) -> "Answer":
        path = f"/sandbox/{{gateway}}/transactions/{transaction_id}/complete"
        body = {"broker": broker, "clientId": client_id, **user}
        return self.call("POST", path, body, query={"wait": wait} if wait else None)

    def details(self, transaction_id: str, *, auth_id: str | None = None) -> Json:
        query = {"transactionId": transaction_id}
        answer = self.call("GET", "/v1/{gateway}/engine/transactiondetails", auth_id=auth_id, query=query)
        assert answer.status == 200, answer.body
        return dict(answer.data["transactionDetails"])

    def batches(self, *, auth_id: str | None = None, **ids: Any) -> list[Json]:
        answer = self.call("GET", "/v1/{gateway}/engine/orders/sst", auth_id=auth_id, query=ids)
        assert answer.status == 200, answer.body
        return list(answer.data)

    def advance(self, duration: str) -> str:
        """Move the gateway's clock; what has come due is done by `tests.make.sweep`."""
        answer = self.call("POST", "/sandbox/{gateway}/clock", {"advance": duration})
        assert answer.status == 200, answer.body
        return str(answer.data["now"])

    def hours(self, hours: str) -> None:
        assert self.call("POST", "/sandbox/{gateway}/market", {"hours": hours}).status == 200

    def act(self, batch_id: str, ticker: str, action: str, **more: Any) -> "Answer":
        path = f"/sandbox/{{gateway}}/batches/{batch_id}/orders/{ticker}/act"
        return self.call("POST", path, {"action": action, **more})


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Json
    headers: dict[str, str]

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def errors(self) -> list[str]:
        return list(self.body["errors"])

    @property
    def error_type(self) -> str:
        return str(self.body["errorType"])


def _json(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()
