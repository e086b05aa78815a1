"""JWTs of the partner and of the gateway: HS256 only, for a guest or a connected user."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, isfinite
from typing import Any, Final

import jwt

from gateway.values.errors import InvalidJWT
from gateway.values.ids import is_object_id

ALGORITHM: Final = "HS256"
CONNECTED_FOR: Final = timedelta(hours=1)
# Clocks differ: a partner's may be this many seconds ahead, and a token is accepted this many seconds after it expires.
AHEAD_SECONDS: Final = 60
GRACE_SECONDS: Final = 10
YEAR_SECONDS: Final = 366 * 24 * 3600
_ENDLESS: Final = 1e15
_CLAIMS: Final = ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")
_SIGNATURE_ALONE: Final[Any] = {"verify_signature": True, **{f"verify_{claim}": False for claim in _CLAIMS}}
WRONG_SHAPE: Final = 'The authtoken\'s payload must be either {"guest": true} or {"smallcaseAuthId": "<24 hex>"}.'


@dataclass(frozen=True, slots=True)
class Bearer:
    """The user of a token: a connected user's smallcaseAuthId, or a guest (None)."""

    auth_id: str | None


class WrongSignature(InvalidJWT):
    """The token was not signed with the expected secret."""


def guest_token(secret: str, *, issued_at: datetime | None = None, expires_at: datetime | None = None) -> str:
    """An authtoken for a guest, without `exp` unless `expires_at` is given."""
    return _sign({"guest": True}, secret, issued_at, expires_at)


def connected_token(
    secret: str, *, auth_id: str, issued_at: datetime | None = None, expires_at: datetime | None = None
) -> str:
    """An authtoken for the user with this smallcaseAuthId."""
    return _sign({"smallcaseAuthId": auth_id}, secret, issued_at, expires_at)


def bearer(token: str, secret: str, *, now: datetime) -> Bearer:
    """Verifies `token` with `secret` at `now`, in real time. Raises InvalidJWT, which says what is wrong.

    `exp`, `iat` and `nbf` are checked when present, and only after the signature.
    """
    try:
        payload = jwt.decode(token, secret, algorithms=[ALGORITHM], options=_SIGNATURE_ALONE)
    except jwt.InvalidAlgorithmError:
        raise InvalidJWT("The authtoken must be signed with HS256.") from None
    except jwt.InvalidSignatureError:
        raise WrongSignature("The authtoken's signature does not match the JWT secret.") from None
    except (jwt.InvalidTokenError, ValueError, OverflowError):
        raise InvalidJWT("The authtoken is not a JWT.") from None
    _check_times(payload, now.timestamp())
    return _bearer(payload)


def signed_with(token: str, secret: str) -> bool:
    """Checks only the signature, to recognise swapped secrets."""
    try:
        jwt.decode(token, secret, algorithms=[ALGORITHM], options=_SIGNATURE_ALONE)
    except (jwt.InvalidTokenError, ValueError, OverflowError):
        return False
    return True


def claimed_auth_id(token: str) -> str:
    """The id in the unverified token, only for reading the account in the same query."""
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


def _check_times(payload: Mapping[str, Any], now: float) -> None:
    for claim in ("iat", "nbf"):
        if claim in payload and (ahead := _seconds(payload, claim) - now) > AHEAD_SECONDS:
            skew = f"its {claim} is {_rounded(ahead)} ahead of our clock; up to {AHEAD_SECONDS} s is accepted."
            hint = " Times are in seconds, not in milliseconds." if ahead > YEAR_SECONDS else ""
            raise InvalidJWT(f"The authtoken is not valid yet: {skew}{hint}")
    if "exp" in payload and (ago := now - _seconds(payload, "exp")) > GRACE_SECONDS:
        skew = f"its exp is {_rounded(ago)} behind our clock; up to {GRACE_SECONDS} s is accepted."
        raise InvalidJWT(f"The authtoken has expired: {skew}")


def _seconds(payload: Mapping[str, Any], claim: str) -> float:
    """Seconds since 1970, perhaps with a fraction, as in RFC 7519. A time beyond all calendars counts as infinite."""
    given = payload[claim]
    is_number = type(given) is int or (type(given) is float and isfinite(given))
    if not is_number:
        raise InvalidJWT(f"The authtoken's {claim} must be a number of seconds since 1970.")
    return float(max(-_ENDLESS, min(given, _ENDLESS)))


def _rounded(seconds: float) -> str:
    """Rounded up, so that an error never names a number that would be accepted."""
    return "more than a year" if seconds > YEAR_SECONDS else f"{ceil(seconds)} s"


def _sign(payload: dict[str, Any], secret: str, issued_at: datetime | None, expires_at: datetime | None) -> str:
    times = {"iat": issued_at, "exp": expires_at}
    return jwt.encode(payload | {name: at for name, at in times.items() if at}, secret, algorithm=ALGORITHM)
