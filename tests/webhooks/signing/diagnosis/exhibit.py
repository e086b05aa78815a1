"""A genuine delivery, and the ways in which receivers mistake it for a forged delivery."""

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from webhooks.signing.diagnosis.capture import Captured
from webhooks.signing.diagnosis.known_credentials import Known
from webhooks.signing.sign import checksum, standard_headers

NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
STAMP = "2026-11-20T05:30:00.000Z"
AUTH_ID = "5d8dc01c1446386d96c4832f"
ID = "evt_" + "a" * 24
API_SECRET = "api-secret-of-forty-three-characters-0123456"
JWT_SECRET = "jwt-secret-of-forty-three-characters-0123456"
SECRET, OTHER_SECRET = (f"whsec_{base64.b64encode(bytes(range(at, at + 32))).decode()}" for at in (0, 200))
KNOWN = Known(
    api={"the API secret of demo": API_SECRET},
    jwt={"the JWT secret of demo": JWT_SECRET},
    webhook={"the secret of A": SECRET, "the secret of B": OTHER_SECRET},
    ids=["evt_" + "b" * 24, ID],
)


@dataclass(frozen=True)
class Exhibit:
    """What a partner holds in hands: a request, and the secrets that it is verified with."""

    captured: Captured
    secret: str = SECRET
    api_secret: str = API_SECRET

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.captured.body))

    def with_body(self, body: bytes) -> "Exhibit":
        return replace(self, captured=replace(self.captured, body=body))

    def with_header(self, name: str, value: str) -> "Exhibit":
        return replace(self, captured=replace(self.captured, headers={**self.captured.headers, name: value}))

    def header(self, name: str) -> str:
        return self.captured.headers[name]


def genuine(payload: dict[str, Any] | None = None, *, auth_id: str | None = AUTH_ID) -> Exhibit:
    """Its keys in the order in which PostgreSQL gives them back."""
    if payload is None:
        payload = {
            "notes": "Zürich → ₹",
            "status": "PLACED",
            "batchId": "b" * 24,
            "orders": [{"price": 1.5, "status": 2}],
        }
    told = {
        **jsonb({**payload, "smallcaseAuthId": auth_id}),
        "timestamp": STAMP,
        "checksum": checksum(api_secret=API_SECRET, timestamp=STAMP, auth_id=auth_id or ""),
    }
    body = json.dumps(told).encode()
    headers = standard_headers(webhook_id=ID, sent_at=NOW, body=body, signing_secrets=[SECRET])
    return Exhibit(Captured(headers, body))


def jsonb(value: Any) -> Any:
    """As PostgreSQL documents it: shorter keys first, then by their bytes."""
    if isinstance(value, list):
        return [jsonb(inner) for inner in value]
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: jsonb(value[key]) for key in keys}
    return value
