"""A request as bytes, and right ones to begin with."""

import copy
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


def draft(chance: Random, known: Known, *, with_body: bool = False) -> Draft:
    """Of any endpoint, or of one that reads a body."""
    takers = [one for one in known.endpoints if not with_body or one[0] in {"POST", "PUT"}]
    method, template = chance.choice(takers)
    headers = known.headers | {"Content-Type": "application/json"}
    if chance.random() < 0.4:
        headers["x-gateway-authtoken"] = known.user
    body = right_body(template.rpartition("/")[2], chance, known) if method in {"POST", "PUT"} else None
    return Draft(method, known.path(template), headers, body)


def right_body(operation: str, chance: Random, known: Known) -> Any:
    """A body that the operation, the last part of a path, could accept; any body for an unknown operation."""
    bodies = _bodies(known)
    return copy.deepcopy(chance.choice(bodies.get(operation) or [body for known in bodies.values() for body in known]))


def _bodies(known: Known) -> dict[str, list[Any]]:
    basket = {"type": "SECURITIES", "securities": [SECURITY, SECURITY | {"ticker": "TCS"}]}
    iscid, event = known.ids["iscid"], known.ids["event_id"]
    return {
        "transaction": [
            {"intent": "TRANSACTION", "orderConfig": basket, "config": {"orderName": "x"}, "notes": "n"},
            {"intent": "TRANSACTION", "orderConfig": {"type": "BUY", "scid": known.ids["scid"], "amount": 50_000}},
            {"intent": "TRANSACTION", "orderConfig": {"type": "MANAGE", "iscid": iscid, "constituents": []}},
            {"intent": "SIP_SETUP", "iscid": iscid},
            {"intent": "CANCEL_ORDER", "batchId": known.ids["batch_id"], "ticker": "INFY"},
        ],
        "complete": [
            {"broker": "kite", "clientId": "happy", "pin": "1234", "securities": [SECURITY], "amount": 100},
            {"sip": {"amount": 100, "frequency": "1m", "scheduledDate": "2027-01-01"}, "exit": {"percent": 10}},
            {"broker": "groww", "clientId": "slow-1", "amo": True, "stopAt": "confirmation"},
        ],
        "market": [{"hours": "always"}],
        "clock": [{"advance": "PT1S"}, {"set": "2027-01-01T00:00:00.000Z"}, {"reset": True}],
        "{ticker}": [{"price": 1500.05}],
        "act": [{"action": "fill", "quantity": 1, "price": 100, "errorCode": "checkHoldings"}],
        "rebalances": [{"label": "x", "constituents": [{"ticker": t, "weight": 50} for t in ("INFY", "TCS")]}],
        "replay": [{"eventIds": [event]}, {"since": "2026-01-01T00:00:00.000Z", "onlyMissed": True}],
        "enable": [{"recoverSince": "2026-01-01T00:00:00.000Z"}, {}],
        "test": [{"type": "order.placed", "endpointId": known.ids["endpoint_id"]}],
        "trigger": [{"type": "order.placed"}],
    }


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")[:MOST]


def one_of(chance: Random, *makers: Callable[[], T]) -> T:
    return chance.choice(makers)()
