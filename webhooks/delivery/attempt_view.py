"""What an attempt sent, as far as it is kept: the event's snapshot and the attempt's time; nothing that signs."""

import json
from typing import Final

from gateway.values.timestamps import timestamp
from webhooks.delivery.client import AGENT
from webhooks.models import Attempt, Event

NOT_KEPT: Final = "(made for each attempt, and not kept)"


def named_headers(event: Event) -> dict[str, str]:
    """Those that name the event; every attempt of it carries the same."""
    headers = {"x-gateway-event": event.type, "x-gateway-sequence": str(event.sequence)}
    return headers | ({"request-id": event.request_id} if event.request_id else {})


def headers_of(attempt: Attempt) -> dict[str, str]:
    """In the order of a request; signatures are named, without their values."""
    event = attempt.delivery.event
    fixed = {"content-type": "application/json", "user-agent": AGENT, "webhook-id": event.key}
    return fixed | dict.fromkeys(("webhook-timestamp", "webhook-signature"), NOT_KEPT) | named_headers(event)


def body_of(attempt: Attempt) -> str:
    """Its timestamp was the gateway's clock at the attempt."""
    payload = attempt.delivery.event.payload
    whole = {**payload, "timestamp": timestamp(attempt.at), "checksum": NOT_KEPT}
    return json.dumps(whole, indent=1, ensure_ascii=False)
