"""The receiver's checks of a delivery. Written from the contract alone, without Django."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)


class NotGenuine(Exception):
    """Says which input is wrong."""


def verify_checksum(body: bytes, *, api_secret: str) -> None:
    """Gateway's checksum: hex HMAC-SHA256 of timestamp + smallcaseAuthId, keyed with the API secret."""
    fields = json.loads(body)
    message = f"{fields['timestamp']}{fields['smallcaseAuthId'] or ''}"
    wanted = hmac.new(api_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    if not _same(wanted, str(fields.get("checksum"))):
        raise NotGenuine("The checksum does not match the timestamp, the smallcaseAuthId and the API secret.")


def verify_signature(headers: Mapping[str, str], body: bytes, *, secret: str, now: datetime) -> None:
    """Standard Webhooks, symmetric: one signature must match, and the timestamp be within five minutes of `now`."""
    seconds = headers["webhook-timestamp"]
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise NotGenuine("webhook-timestamp is more than five minutes away from now.")
    signed = f"{headers['webhook-id']}.{seconds}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    if not any(_same(wanted, given) for given in headers["webhook-signature"].split()):
        raise NotGenuine("No webhook-signature matches the body and the endpoint's secret.")


def _same(wanted: str, given: str) -> bool:
    """Compares bytes: compare_digest accepts only ASCII text, and a request may contain anything."""
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace"))
