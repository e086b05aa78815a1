"""The partner's webhook endpoint: two proofs over what came, before anything is believed."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final

TOLERANCE: Final = 300  # seconds, as Standard Webhooks has it


class ForgedWebhook(Exception):
    """Which of the two proofs fails, and why."""


def verify_signature(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> None:
    """Standard Webhooks, over the bytes that came. Header names in lower case."""
    sent = headers.get("webhook-timestamp", "")
    if not sent.isascii() or not sent.isdigit() or len(sent) > 12 or abs(time.time() - int(sent)) > TOLERANCE:
        raise ForgedWebhook("webhook-timestamp is missing, older than five minutes or ahead of our clock")
    signed = f"{headers.get('webhook-id', '')}.{sent}.".encode() + body
    given = headers.get("webhook-signature", "").encode().split()
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        wanted = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(wanted, one) for one in given):
            return
    raise ForgedWebhook("no signature fits the body")


def verify_checksum(event: Mapping[str, Any], api_secret: str) -> None:
    """smallcase Gateway's: over timestamp and smallcaseAuthId exactly as in the body."""
    message = f"{event.get('timestamp') or ''}{event.get('smallcaseAuthId') or ''}"
    wanted = hmac.new(api_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), str(event.get("checksum")).encode()):
        raise ForgedWebhook("the checksum does not fit timestamp and smallcaseAuthId")


def event_in(body: bytes) -> dict[str, Any]:
    """ValueError where it is no JSON object."""
    try:
        event = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(event, dict):
        raise ValueError("no JSON object")
    return event
