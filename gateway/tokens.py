"""JWTs of the partner and of the gateway: HS256 only, guest or connected, never both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import jwt

from gateway.errors import InvalidJWT
from gateway.ids import is_object_id

ALGORITHM: Final = "HS256"
CONNECTED_FOR: Final = timedelta(hours=1)
WRONG_SHAPE: Final = 'The authtoken\'s payload must be either {"guest": true} or {"smallcaseAuthId": "<24 hex>"}.'


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a token speaks for: a connected user's smallcaseAuthId, or a guest (None)."""

    auth_id: str | None


def guest_token(secret: str, *, expires_at: datetime | None = None) -> str:
    return _sign({"guest": True}, secret, expires_at)


def connected_token(secret: str, *, auth_id: str, expires_at: datetime | None = None) -> str:
    return _sign({"smallcaseAuthId": auth_id}, secret, expires_at)


def bearer(token: str, secret: str) -> Bearer:
    """Verify `token` with `secret`; InvalidJWT says what is wrong. `exp`, `iat` and `nbf` hold when present."""
    try:
        payload = jwt.decode(token, secret, algorithms=[ALGORITHM], options={"verify_aud": False})
    except jwt.ExpiredSignatureError:
        raise InvalidJWT("The authtoken has expired.") from None
    except jwt.ImmatureSignatureError:
        raise InvalidJWT("The authtoken is not valid yet: its iat or nbf lies in the future.") from None
    except jwt.InvalidAlgorithmError:
        raise InvalidJWT("The authtoken must be signed with HS256.") from None
    except jwt.InvalidSignatureError:
        raise InvalidJWT("The authtoken's signature does not match the JWT secret.") from None
    except (jwt.InvalidTokenError, ValueError, OverflowError):
        raise InvalidJWT("The authtoken is not a JWT.") from None
    return _bearer(payload)


def signed_with(token: str, secret: str) -> bool:
    """Whether the signature, and nothing else, fits: to tell swapped secrets from wrong ones."""
    try:
        jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            options={"verify_signature": True, "verify_exp": False, "verify_aud": False},
        )
    except (jwt.InvalidTokenError, ValueError, OverflowError):
        return False
    return True


def claimed_auth_id(token: str) -> str:
    """What the token says of itself, unverified: only to look the account up in the same query."""
    try:
        claimed = jwt.decode(token, options={"verify_signature": False}).get("smallcaseAuthId")
    except (jwt.InvalidTokenError, ValueError, OverflowError):
        return ""
    return claimed if isinstance(claimed, str) and is_object_id(claimed) else ""


def _bearer(payload: Mapping[str, Any]) -> Bearer:
    guest, auth_id = payload.get("guest"), payload.get("smallcaseAuthId")
    if guest is True and auth_id is None:
        return Bearer(auth_id=None)
    if guest is None and isinstance(auth_id, str) and is_object_id(auth_id):
        return Bearer(auth_id=auth_id)
    raise InvalidJWT(WRONG_SHAPE)


def _sign(payload: dict[str, Any], secret: str, expires_at: datetime | None) -> str:
    return jwt.encode(payload | ({"exp": expires_at} if expires_at else {}), secret, algorithm=ALGORITHM)
