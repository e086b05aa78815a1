"""Authenticates a caller by the gateway in the path, its API secret and its authtoken. One query."""

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from gateway.database.encryption import decrypt_cached
from gateway.models import Account, Gateway
from gateway.partners import sql
from gateway.values.errors import (
    ConnectedUserRequired,
    GuestRequired,
    InvalidJWT,
    InvalidSecret,
    UnknownGateway,
    WrongSecret,
)
from gateway.values.tokens import Bearer, WrongSignature, bearer, claimed_auth_id, signed_with


@dataclass(frozen=True, slots=True)
class Caller:
    """A partner's server, acting for a connected user (account) or for a guest (None)."""

    gateway: Gateway
    account: Account | None
    is_authenticated: bool = True

    def connected(self) -> Account:
        if self.account is None:
            raise ConnectedUserRequired("This needs a connected user's authtoken, with a smallcaseAuthId.")
        return self.account

    def as_partner(self) -> Gateway:
        """The gateway, if its server acts for a guest. Raises GuestRequired otherwise."""
        if self.account is not None:
            raise GuestRequired("This needs a guest's authtoken; a connected user's is not accepted.")
        return self.gateway

    @property
    def auth_id(self) -> str:
        """The connected user's id, which restricts what the caller sees; empty for a guest, who sees everything."""
        return self.account.auth_id if self.account else ""


def partner_caller(gateway: str, secret: str, token: str, *, now: datetime) -> Caller:
    """`now` is real time: the gateway's own clock may have been moved, the partner's has not."""
    claimed = _claimed(gateway, token)
    _check_secret(claimed.gateway, secret)
    return _verified(claimed, token, now)


def sandbox_caller(gateway: str, secret: str) -> Caller:
    """Needs the secret alone. Raises UnknownGateway for a live gateway."""
    found = sql.gateway_named(gateway)
    if found is None or not found.is_test:
        raise UnknownGateway("There is no test gateway with this name.")
    _check_secret(found, secret)
    return Caller(gateway=found, account=None)


def browser_caller(gateway: str, token: str, *, now: datetime) -> Caller:
    """For a page in a user's browser, which has no secret and must not have one. Without a token, a guest.

    A guest's token proves nothing about a page that anybody can read; the page's origin does. `now` is real time.
    """
    claimed = _claimed(gateway, token)
    return _verified(claimed, token, now) if token else claimed


def api_secrets(gateway: Gateway) -> list[str]:
    """The current secret, then the previous one if it is not retired."""
    return _decrypted(gateway.encrypted_api_secret, gateway.encrypted_previous_api_secret)


def jwt_secrets(gateway: Gateway) -> list[str]:
    return _decrypted(gateway.encrypted_jwt_secret, gateway.encrypted_previous_jwt_secret)


def _decrypted(*encrypted: str | None) -> list[str]:
    return [decrypt_cached(secret) for secret in encrypted if secret]


def _claimed(name: str, token: str) -> Caller:
    """The caller according to the unverified token, so that gateway and account are read in one query."""
    auth_id = claimed_auth_id(token)
    account = sql.account_at(name, auth_id) if auth_id else None
    found = account.gateway if account else sql.gateway_named(name)
    if found is None:
        raise UnknownGateway("There is no gateway with this name.")
    return Caller(gateway=found, account=account)


def _verified(claimed: Caller, token: str, now: datetime) -> Caller:
    who = _bearer(claimed.gateway, token, now)
    if who.auth_id != (claimed.account.auth_id if claimed.account else None):
        raise InvalidJWT("The authtoken's smallcaseAuthId is not one of this gateway's users.")
    return claimed


def _check_secret(gateway: Gateway, given: str) -> None:
    if _matches(given, api_secrets(gateway)):
        return
    if not given:
        raise InvalidSecret("The header x-gateway-secret is missing.")
    if _matches(given, jwt_secrets(gateway)):
        raise InvalidSecret("x-gateway-secret contains the JWT secret; send the API secret.")
    raise WrongSecret("x-gateway-secret is not this gateway's API secret.")


def _matches(given: str, secrets: list[str]) -> bool:
    """In constant time, so that the duration does not reveal how much of a secret was right."""
    return any(hmac.compare_digest(given.encode(), secret.encode()) for secret in secrets)


def _bearer(gateway: Gateway, token: str, now: datetime) -> Bearer:
    """Verifies with the secret that signed the token, current or previous, so that the error names its real fault."""
    if not token:
        raise InvalidJWT("The header x-gateway-authtoken is missing.")
    for secret in jwt_secrets(gateway):
        with suppress(WrongSignature):
            return bearer(token, secret, now=now)
    if any(signed_with(token, secret) for secret in api_secrets(gateway)):
        raise InvalidJWT("The authtoken is signed with the API secret; sign it with the JWT secret.")
    raise WrongSignature("The authtoken's signature does not match the JWT secret.")
