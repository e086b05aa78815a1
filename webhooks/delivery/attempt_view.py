"""The request that an attempt sent, as far as it is stored: the event's payload and the time, but no signatures."""

import json
from typing import Final

from gateway.values.timestamps import timestamp
from webhooks.delivery.client import AGENT
from webhooks.models import Attempt, Event

NOT_KEPT: Final = "(computed for each attempt, not stored)"


def named_headers(event: Event) -> dict[str, str]:
    """The headers that name the event, which are the same for every attempt."""
    headers = {"x-gateway-event": event.type, "x-gateway-sequence": str(event.sequence)}
    return headers | ({"request-id": event.request_id} if event.request_id else {})


def headers_of(attempt: Attempt) -> dict[str, str]:
    """All headers in the order of the request; signatures without their values."""
    event = attempt.delivery.event
    fixed = {"content-type": "application/json", "user-agent": AGENT, "webhook-id": event.key}
    return fixed | dict.fromkeys(("webhook-timestamp", "webhook-signature"), NOT_KEPT) | named_headers(event)


def body_of(attempt: Attempt) -> str:
    """The body, with the gateway's time at the attempt as its timestamp."""
    payload = attempt.delivery.event.payload
    whole = {**payload, "timestamp": timestamp(attempt.at), "checksum": NOT_KEPT}
    return json.dumps(whole, indent=1, ensure_ascii=False)
