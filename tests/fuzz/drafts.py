"""A request as bytes, and right ones to begin with."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeVar

from tests.fuzz.known import Known
from tests.fuzz.words import MOST

T = TypeVar("T")
SECURITY: Final = {"ticker": "INFY", "quantity": 1, "type": "BUY"}


@dataclass(frozen=True, slots=True)
class Request:
    """As it goes over the wire, but for what the wire adds when `length` says so."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    length: bool = True
    version: bytes = b"HTTP/1.1"

    def raw(self, host: str) -> bytes:
        lines = [b" ".join((self.method.encode("utf-8", "surrogatepass"), self.target, self.version))]
        if not any(name.lower() == b"host" for name, _ in self.headers):
            lines.append(b"Host: " + host.encode())
        lines += [name + b": " + value for name, value in self.headers]
        if self.length and (self.body or self.method in {"POST", "PUT", "PATCH"}):
            lines.append(b"Content-Length: " + str(len(self.body)).encode())
        return b"\r\n".join([*lines, b"Connection: close", b"", self.body])


@dataclass(slots=True)
class Draft:
    """A right request, to be spoilt."""

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def request(self, **changed: Any) -> Request:
        made: dict[str, Any] = {
            "method": self.method,
            "target": self.target.encode(),
            "headers": self.encoded(),
            "body": b"" if self.body is None else dumped(self.body),
        }
        return Request(**(made | changed))

    def encoded(self, **more: bytes) -> tuple[tuple[bytes, bytes], ...]:
        told = {name.lower().encode(): value.encode() for name, value in self.headers.items()}
        return tuple((told | {name.replace("_", "-").encode(): value for name, value in more.items()}).items())


def draft(chance: Random, known: Known) -> Draft:
    method, template = chance.choice(known.endpoints)
    headers = known.headers | {"Content-Type": "application/json"}
    if chance.random() < 0.4:
        headers["x-gateway-authtoken"] = known.user
    return Draft(method, known.path(template), headers, right_body(chance, known) if method != "GET" else None)


def right_body(chance: Random, known: Known) -> Any:
    basket = {"type": "SECURITIES", "securities": [SECURITY] * chance.randint(1, 4)}
    return chance.choice(
        [
            {"intent": "TRANSACTION", "orderConfig": basket, "config": {"orderName": "x"}, "notes": "n"},
            {"intent": "TRANSACTION", "orderConfig": {"type": "BUY", "scid": known.scid, "amount": 50_000}},
            {"intent": "TRANSACTION", "orderConfig": {"type": "MANAGE", "iscid": known.iscid, "constituents": []}},
            {"intent": "SIP_SETUP", "iscid": known.iscid},
            {"intent": "CANCEL_ORDER", "batchId": known.batch_id, "ticker": "INFY"},
            {"broker": "kite", "clientId": "happy", "pin": "1234", "securities": [SECURITY], "amount": 100},
            {"sip": {"amount": 100, "frequency": "1m", "scheduledDate": "2027-01-01"}, "exit": {"percent": 10}},
            {"hours": "always"},
            {"advance": "PT1S"},
            {"price": 1500.05},
            {"action": "fill", "quantity": 1, "price": 100, "errorCode": "checkHoldings"},
            {"label": "x", "constituents": [{"ticker": "INFY", "weight": 50}, {"ticker": "TCS", "weight": 50}]},
        ]
    )


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")[:MOST]


def one_of(chance: Random, *makers: Callable[[], T]) -> T:
    return chance.choice(makers)()
