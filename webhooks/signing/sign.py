"""The two signatures of a delivery.

checksum: Gateway's, over timestamp and smallcaseAuthId, keyed with the API secret (contract §6.1). It does not cover
the body, so every delivery also has the Standard Webhooks headers, which sign the raw body
(github.com/standard-webhooks/standard-webhooks, spec 1.0.0, symmetric `v1`).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from gateway.values.errors import Invalid

PREFIX: Final = "whsec_"


def new_secret() -> str:
    """`whsec_` and 32 random bytes in base64, the format of the reference libraries."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def check_secret(secret: str) -> str:
    """Returns the secret. Raises Invalid if it cannot sign a webhook."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise Invalid(f"The secret must be {PREFIX} followed by base64.")
    return secret


def checksum(*, api_secret: str, timestamp: str, auth_id: str) -> str:
    """Hex HMAC-SHA256 of timestamp + auth_id, both exactly as in the body."""
    return hmac.new(api_secret.encode(), f"{timestamp}{auth_id}".encode(), hashlib.sha256).hexdigest()


def standard_headers(
    *, webhook_id: str, sent_at: datetime, body: bytes, signing_secrets: Sequence[str]
) -> dict[str, str]:
    """One signature per secret, so that a receiver may use either during a rotation."""
    seconds = str(int(sent_at.timestamp()))
    signatures = [_signature(secret, webhook_id, seconds, body) for secret in signing_secrets]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, webhook_id: str, seconds: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.new(key, f"{webhook_id}.{seconds}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed.digest()).decode()}"
