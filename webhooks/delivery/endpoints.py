"""Adds, changes, enables and disables webhook endpoints, and rotates their secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from django.db import IntegrityError
from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.database.encryption import decrypt, encrypt
from gateway.models import Gateway
from gateway.values.errors import Conflict, Invalid
from webhooks.delivery.retry import Plan
from webhooks.events.event_types import DEFAULT_TYPES, EventType
from webhooks.models import Endpoint
from webhooks.signing.sign import new_secret

LONGEST_URL: Final = 500
REASON: Final = 100  # characters
TAKEN: Final = "This gateway has an endpoint with this URL already."


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A new endpoint. `secret` cannot be read again later."""

    endpoint: Endpoint
    secret: str


def signing_secrets(endpoint: Endpoint) -> list[str]:
    """Newest first; two while one is being rotated. Raises InvalidToken."""
    encrypted = (endpoint.encrypted_secret, endpoint.encrypted_previous_secret)
    return [decrypt(secret) for secret in encrypted if secret]


def check_url(url: str) -> str:
    """Returns the URL. Raises Invalid unless it is http or https, with a host and without credentials."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Invalid("The webhook URL is malformed.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid("The webhook URL must be an http or https URL with a host.")
    if parts.username or parts.password:
        raise Invalid("The webhook URL must not carry credentials.")
    if len(url) > LONGEST_URL:
        raise Invalid(f"The webhook URL must not exceed {LONGEST_URL} characters.")
    return url


def add_endpoint(
    *,
    gateway: Gateway,
    url: str,
    types: Sequence[EventType] = DEFAULT_TYPES,
    plan: Plan = Plan.STANDARD,
    now: datetime,
    by: Actor | None = None,
) -> NewEndpoint:
    """Adds an enabled endpoint. Raises Invalid for a bad URL, Conflict if the gateway has it already."""
    if gateway.endpoints.filter(url=check_url(url)).exists():
        raise Conflict(TAKEN)
    secret = new_secret()
    with atomic():
        endpoint = _inserted(
            Endpoint(
                gateway=gateway,
                url=url,
                encrypted_secret=encrypt(secret),
                types=[kind.value for kind in types],
                plan=plan.value,
                created_at=now,
            )
        )
        if by:
            by.record("add endpoint", named(endpoint), after={"url": url, "types": endpoint.types})
    return NewEndpoint(endpoint=endpoint, secret=secret)


def move(endpoint: Endpoint, *, url: str, by: Actor | None = None) -> None:
    """Pending and new deliveries go to `url` from now on. The same URL again changes nothing."""
    rows = Endpoint.objects.filter(pk=endpoint.pk)
    check_url(url)
    try:
        with atomic():
            before = rows.select_for_update().values_list("url", flat=True).get()
            if before == url:
                return
            rows.update(url=url)
            if by:
                by.record("move endpoint", named(endpoint), before={"url": before}, after={"url": url})
    except IntegrityError:
        raise Conflict(TAKEN) from None


def rotate_secret(endpoint: Endpoint, *, by: Actor | None = None) -> str:
    """Returns a new secret. It and the previous one sign until the previous one is retired; at most two are live."""
    secret = new_secret()
    rows = Endpoint.objects.filter(pk=endpoint.pk, encrypted_previous_secret__isnull=True)
    with atomic():
        if not rows.update(encrypted_secret=encrypt(secret), encrypted_previous_secret=endpoint.encrypted_secret):
            raise Conflict("The previous secret still signs; retire it first.")
        if by:
            by.record("rotate signing secret", named(endpoint), before={"live": 1}, after={"live": 2})
    endpoint.refresh_from_db()
    return secret


def retire_secret(endpoint: Endpoint, *, by: Actor | None = None) -> None:
    """Stops signing with the previous secret. Running it twice changes nothing."""
    with atomic():
        rows = Endpoint.objects.filter(pk=endpoint.pk, encrypted_previous_secret__isnull=False)
        if rows.update(encrypted_previous_secret=None) and by:
            by.record("retire signing secret", named(endpoint), before={"live": 2}, after={"live": 1})


def disable(endpoint: Endpoint, *, because: str, now: datetime, by: Actor | None = None) -> bool:
    """Stops new deliveries; the next sweep gives up pending ones. False if the endpoint was already disabled."""
    rows = Endpoint.objects.filter(pk=endpoint.pk, is_enabled=True)
    with atomic():
        done = rows.update(is_enabled=False, disabled_at=now, disabled_reason=because[:REASON]) == 1
        if done and by:
            by.record(
                "disable endpoint", named(endpoint), before={"enabled": True}, after={"enabled": False}, reason=because
            )
    return done


def enable(endpoint: Endpoint) -> bool:
    """Enables the endpoint and resets its failures. False if it was already enabled."""
    rows = Endpoint.objects.filter(pk=endpoint.pk, is_enabled=False)
    clean = {"failures": 0, "failing_since": None, "disabled_at": None, "disabled_reason": ""}
    return rows.update(is_enabled=True, **clean) == 1


def subscribe(endpoint: Endpoint, *, types: Sequence[EventType], plan: Plan, by: Actor | None = None) -> None:
    """Sets the event types for new events, and the retry plan."""
    before = {"types": endpoint.types, "plan": endpoint.plan}
    after = {"types": [kind.value for kind in types], "plan": plan.value}
    with atomic():
        Endpoint.objects.filter(pk=endpoint.pk).update(**after)
        if by:
            by.record("subscribe endpoint", named(endpoint), before=before, after=after)


def _inserted(endpoint: Endpoint) -> Endpoint:
    try:
        with atomic():
            endpoint.save(force_insert=True)
    except IntegrityError:
        raise Conflict(TAKEN) from None
    return endpoint


def named(endpoint: Endpoint) -> str:
    """The endpoint's name in the audit trail."""
    return f"endpoint {endpoint.public_id}"
