"""Creates, rotates and retires a gateway's secrets."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import IntegrityError
from django.db.transaction import atomic

from gateway.audit.trail import Actor
from gateway.database.encryption import encrypt
from gateway.models import Gateway
from gateway.values.errors import Conflict, Invalid
from gateway.values.ids import GATEWAY_NAME, new_secret

Kind = Literal["api", "jwt"]


class NameTaken(Conflict):
    """Another gateway has this name."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Shown once, at creation or rotation; only the encrypted form is stored."""

    gateway: Gateway
    api_secret: str
    jwt_secret: str


def create_gateway(
    *, name: str, is_test: bool, allowed_origins: list[str], now: datetime, by: Actor | None = None
) -> Credentials:
    """`name` is stored in lower case and matched case-insensitively."""
    if not GATEWAY_NAME.fullmatch(name):
        raise Invalid("NAME must be 1 to 63 letters, digits, hyphens and underscores, the first a letter or a digit.")
    name = name.lower()
    api_secret, jwt_secret = new_secret(), new_secret()
    try:
        with atomic():
            gateway = Gateway.objects.create(
                name=name,
                is_test=is_test,
                encrypted_api_secret=encrypt(api_secret),
                encrypted_jwt_secret=encrypt(jwt_secret),
                allowed_origins=allowed_origins,
                created_at=now,
            )
            if by:
                made = {"test": is_test, "origins": allowed_origins}
                by.record("create gateway", f"gateway {name}", after=made)
    except IntegrityError:
        raise NameTaken(f"A gateway named {name} already exists.") from None
    return Credentials(gateway=gateway, api_secret=api_secret, jwt_secret=jwt_secret)


def rotate(gateway: Gateway, *, kind: Kind, by: Actor | None = None) -> str:
    """Returns a new secret. The previous one stays accepted until `retire`; at most two are live."""
    made = new_secret()
    current, previous = _columns(kind)
    encrypted = {current: encrypt(made), previous: getattr(gateway, current)}
    rows = Gateway.objects.filter(pk=gateway.pk, **{f"{previous}__isnull": True})
    with atomic():
        if not rows.update(**encrypted):
            raise Conflict(f"The previous {kind} secret is still accepted; retire it first.")
        if by:
            by.record(f"rotate {kind} secret", f"gateway {gateway}", before={"accepted": 1}, after={"accepted": 2})
    gateway.refresh_from_db()
    return made


def retire(gateway: Gateway, *, kind: Kind, by: Actor | None = None) -> None:
    """Refuses the previous secret from now on. Running it twice changes nothing."""
    _, previous = _columns(kind)
    with atomic():
        rows = Gateway.objects.filter(pk=gateway.pk, **{f"{previous}__isnull": False})
        if rows.update(**{previous: None}) and by:
            by.record(f"retire {kind} secret", f"gateway {gateway}", before={"accepted": 2}, after={"accepted": 1})
    gateway.refresh_from_db()


def _columns(kind: str) -> tuple[str, str]:
    return f"encrypted_{kind}_secret", f"encrypted_previous_{kind}_secret"
