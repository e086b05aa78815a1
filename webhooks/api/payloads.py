"""Webhook data in the form that partners see it. Secrets are never included."""

from typing import Any

from gateway.values.timestamps import timestamp, timestamp_or_null
from webhooks.events.selectors import EventsPage
from webhooks.models import Attempt, Delivery, Endpoint, Event, Replay

Wire = dict[str, Any]


def events_page(page: EventsPage) -> Wire:
    return {"events": [event(one) for one in page.events], "nextCursor": page.cursor}


def event(of: Event) -> Wire:
    """The event's deliveries must be prefetched. `payload` lacks timestamp and checksum, which each attempt adds."""
    return {
        "eventId": of.key,
        "type": of.type,
        "subject": of.subject,
        "sequence": of.sequence,
        "transactionId": of.transaction_id or None,
        "batchId": of.payload.get("batchId"),
        "createdAt": timestamp(of.created_at),
        "payload": of.payload,
        "deliveries": [_delivery(one) for one in of.deliveries.all()],
    }


def endpoint(of: Endpoint) -> Wire:
    return {
        "endpointId": of.public_id,
        "url": of.url,
        "types": of.types,
        "plan": of.plan,
        "enabled": of.is_enabled,
        "failures": of.failures,
        "failingSince": timestamp_or_null(of.failing_since),
        "disabledAt": timestamp_or_null(of.disabled_at),
        "disabledBecause": of.disabled_reason or None,
    }


def replay(of: Replay) -> Wire:
    return {
        "key": of.key,
        "since": timestamp(of.since),
        "until": timestamp_or_null(of.until),
        "type": of.type or None,
        "onlyMissed": of.only_missed,
        "endpointId": of.endpoint and of.endpoint.public_id,
        "createdAt": timestamp(of.created_at),
        **progress(of.key, of.replayed, done=of.due_at is None),
    }


def progress(key: str | None, replayed: int, *, done: bool) -> Wire:
    """`replayed` counts the events whose deliveries are due (again) so far. `key` is None if none remain."""
    return {"key": key, "replayed": replayed, "done": done}


def _delivery(of: Delivery) -> Wire:
    return {
        "endpointId": of.endpoint.public_id,
        "url": of.endpoint.url,
        "status": of.status,
        "attempts": vars(of)["tried"],
        "nextAttemptAt": timestamp_or_null(of.due_at),
        "settledAt": timestamp_or_null(of.finished_at),
        "tries": [_try(one) for one in vars(of)["newest_tries"]],
    }


def _try(of: Attempt) -> Wire:
    return {
        "at": timestamp(of.at),
        "statusCode": of.status_code,
        "error": of.error or None,
        "durationMs": of.duration_ms,
        "response": of.response,
    }
