"""Every kind of wrong credential for each API, and how it is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import jwt

from gateway.partners import clock
from gateway.values.tokens import connected_token, guest_token
from tests import make
from tests.isolation.scene import Scene
from tests.partner import Partner

Headers = dict[str, str]
GUEST: Final = {"guest": True}
FAR: Final = 9_999_999_999
SECRET: Final = "x-gateway-secret"
TOKEN: Final = "x-gateway-authtoken"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`sentence` is how the one that is told begins."""

    status: int
    error_type: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """`headers` of a caller in the scene; `gateway` is whose path is asked, when it is not the caller's own."""

    headers: Callable[[Scene], Headers]
    refusal: Refusal
    gateway: Callable[[Scene], str] = lambda there: there.mine.partner.name


def signed(header: Mapping[str, Any], payload: Any, secret: str) -> str:
    """A token of any shape, its signature HMAC-SHA256 whatever its header says."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    message = b".".join(parts)
    digest = base64.urlsafe_b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).rstrip(b"=")
    return (message + b"." + digest).decode()


def hs256(payload: Any, secret: str) -> str:
    return signed({"alg": "HS256", "typ": "JWT"}, payload, secret)


def _invalid_secret(sentence: str) -> Refusal:
    return Refusal(401, "InvalidSecret", sentence)


def _invalid_jwt(sentence: str) -> Refusal:
    return Refusal(401, "InvalidJWT", sentence)


def _no_number(claim: str) -> Refusal:
    return _invalid_jwt(f"The authtoken's {claim} must be a number of seconds since 1970.")


NO_SECRET: Final = _invalid_secret("The header x-gateway-secret is missing.")
WRONG_SECRET: Final = _invalid_secret("x-gateway-secret is not this gateway's API secret.")
SWAPPED: Final = _invalid_secret("x-gateway-secret contains the JWT secret; send the API secret.")
NO_TOKEN: Final = _invalid_jwt("The header x-gateway-authtoken is missing.")
NOT_A_JWT: Final = _invalid_jwt("The authtoken is not a JWT.")
ALGORITHM: Final = _invalid_jwt("The authtoken must be signed with HS256.")
SIGNATURE: Final = _invalid_jwt("The authtoken's signature does not match the JWT secret.")
SWAPPED_TOKEN: Final = _invalid_jwt("The authtoken is signed with the API secret; sign it with the JWT secret.")
EXPIRED: Final = _invalid_jwt("The authtoken has expired")
EARLY: Final = _invalid_jwt("The authtoken is not valid yet")
SHAPE: Final = _invalid_jwt("The authtoken's payload must be either")
STRANGER: Final = _invalid_jwt("The authtoken's smallcaseAuthId is not one of this gateway's users.")
NO_GATEWAY: Final = Refusal(404, "InvalidGateway", "There is no gateway with this name.")
NO_TEST_GATEWAY: Final = Refusal(404, "InvalidGateway", "There is no test gateway with this name.")

# How a token is made from the gateway's own JWT secret, and how it is refused.
TOKENS: Final[Mapping[str, tuple[Callable[[str], str], Refusal]]] = {
    "no token": (lambda _: "", NO_TOKEN),
    "garbage": (lambda _: "garbage", NOT_A_JWT),
    "three dots": (lambda _: "...", NOT_A_JWT),
    "not ASCII": (lambda _: "ä.ö.ü", NOT_A_JWT),
    "very long": (lambda _: "a" * 20_000, NOT_A_JWT),
    "expired": (lambda s: guest_token(s, expires_at=clock.wall() - timedelta(1)), EXPIRED),
    "not yet valid": (lambda s: hs256(GUEST | {"nbf": FAR}, s), EARLY),
    "issued in the future": (lambda s: hs256(GUEST | {"iat": FAR}, s), EARLY),
    "signed with nobody's secret": (lambda _: guest_token("x" * 43), SIGNATURE),
    "alg none": (lambda _: jwt.encode(GUEST, "", algorithm="none"), ALGORITHM),
    "alg none, signed": (lambda s: signed({"alg": "none"}, GUEST, s), ALGORITHM),
    "RS256-shaped": (lambda s: signed({"alg": "RS256", "typ": "JWT"}, GUEST, s), ALGORITHM),
    "HS384": (lambda s: jwt.encode(GUEST, s * 2, algorithm="HS384"), ALGORITHM),
    "HS512": (lambda s: jwt.encode(GUEST, s * 2, algorithm="HS512"), ALGORITHM),
    "alg in lower case": (lambda s: signed({"alg": "hs256"}, GUEST, s), ALGORITHM),
    "no alg": (lambda s: signed({"typ": "JWT"}, GUEST, s), ALGORITHM),
    "alg a list": (lambda s: signed({"alg": ["HS256"]}, GUEST, s), ALGORITHM),
    "alg an object": (lambda s: signed({"alg": {}}, GUEST, s), ALGORITHM),
    "tampered": (lambda s: guest_token(s)[:-4] + "AAAA", SIGNATURE),
    "payload a list": (lambda s: hs256([], s), NOT_A_JWT),
    "payload a number": (lambda s: hs256(1, s), NOT_A_JWT),
    "exp a word": (lambda s: hs256(GUEST | {"exp": "tomorrow"}, s), _no_number("exp")),
    "exp a list": (lambda s: hs256(GUEST | {"exp": []}, s), _no_number("exp")),
    "exp null": (lambda s: hs256(GUEST | {"exp": None}, s), _no_number("exp")),
    "exp beyond time": (lambda s: hs256(GUEST | {"exp": -(10**30)}, s), EXPIRED),
    "nbf a list": (lambda s: hs256(GUEST | {"nbf": []}, s), _no_number("nbf")),
    "iat an object": (lambda s: hs256(GUEST | {"iat": {}}, s), _no_number("iat")),
    "neither guest nor user": (lambda s: hs256({}, s), SHAPE),
    "guest false": (lambda s: hs256({"guest": False}, s), SHAPE),
    "guest 1": (lambda s: hs256({"guest": 1}, s), SHAPE),
    "guest and user": (lambda s: hs256(GUEST | {"smallcaseAuthId": "0" * 24}, s), SHAPE),
    "auth id too short": (lambda s: hs256({"smallcaseAuthId": "0" * 23}, s), SHAPE),
    "auth id upper case": (lambda s: hs256({"smallcaseAuthId": "A" * 24}, s), SHAPE),
    "auth id a number": (lambda s: hs256({"smallcaseAuthId": 1}, s), SHAPE),
    "auth id a list": (lambda s: hs256({"smallcaseAuthId": []}, s), SHAPE),
    "auth id of nobody": (lambda s: hs256({"smallcaseAuthId": "0" * 24}, s), STRANGER),
}

# Values instead of the secret, and how each is refused, on both APIs that need a secret.
_SECRETS: Final[Mapping[str, tuple[Callable[[Scene], str], Refusal]]] = {
    "no secret": (lambda _: "", NO_SECRET),
    "a wrong secret": (lambda _: "wrong", WRONG_SECRET),
    "a secret that is not ASCII": (lambda _: "ä", WRONG_SECRET),
    "a very long secret": (lambda _: "x" * 20_000, WRONG_SECRET),
    "half of the secret": (lambda there: there.mine.partner.api_secret[:21], WRONG_SECRET),
    "the JWT secret for a secret": (lambda there: there.mine.partner.jwt_secret, SWAPPED),
    "a token for a secret": (lambda there: guest_token(there.mine.partner.jwt_secret), WRONG_SECRET),
    "another gateway's secret": (lambda there: there.theirs.partner.api_secret, WRONG_SECRET),
    "a live gateway's secret": (lambda there: there.live.api_secret, WRONG_SECRET),
    "a retired secret": (lambda there: there.retired.api_secret, WRONG_SECRET),
    "a retired JWT secret for a secret": (lambda there: there.retired.jwt_secret, WRONG_SECRET),
    "a manager's token for a secret": (lambda there: there.managers["their own"], WRONG_SECRET),
}


def guest(partner: Partner) -> Headers:
    return partner.headers()


def _token(make: Callable[[str], str]) -> Callable[[Scene], Headers]:
    return lambda there: {SECRET: there.mine.partner.api_secret, TOKEN: make(there.mine.partner.jwt_secret)}


def _with_secret(given: Callable[[Scene], str]) -> Callable[[Scene], Headers]:
    return lambda there: {**guest(there.mine.partner), SECRET: given(there)}


def _with_token(given: Callable[[Scene], str]) -> Callable[[Scene], Headers]:
    return lambda there: {**guest(there.mine.partner), TOKEN: given(there)}


def _bearer(there: Scene) -> Headers:
    return {"Authorization": f"Token {there.managers['their own']}"}


_OF_BOTH_PLANES: Final[Mapping[str, Wrong]] = {
    "nothing": Wrong(lambda _: {}, NO_SECRET),
    "a manager's token": Wrong(_bearer, NO_SECRET),
    "another gateway's secret and token": Wrong(lambda there: guest(there.theirs.partner), WRONG_SECRET),
    **{name: Wrong(_with_secret(given), refusal) for name, (given, refusal) in _SECRETS.items()},
}
PARTNER: Final[Mapping[str, Wrong]] = {
    **_OF_BOTH_PLANES,
    **{name: Wrong(_token(make), refusal) for name, (make, refusal) in TOKENS.items()},
    "signed with the API secret": Wrong(
        lambda there: {**guest(there.mine.partner), TOKEN: guest_token(there.mine.partner.api_secret)}, SWAPPED_TOKEN
    ),
    "signed with a retired JWT secret": Wrong(
        _with_token(lambda there: guest_token(there.retired.jwt_secret)), SIGNATURE
    ),
    "another gateway's token": Wrong(
        _with_token(lambda there: guest_token(there.theirs.partner.jwt_secret)), SIGNATURE
    ),
    "another gateway's user's token": Wrong(
        _with_token(lambda there: connected_token(there.theirs.partner.jwt_secret, auth_id=there.theirs.user.auth_id)),
        SIGNATURE,
    ),
    "another gateway's user": Wrong(
        _with_token(lambda there: connected_token(there.mine.partner.jwt_secret, auth_id=there.theirs.user.auth_id)),
        STRANGER,
    ),
    "a gateway that is not there": Wrong(lambda there: guest(there.mine.partner), NO_GATEWAY, lambda _: "nobody"),
}
SANDBOX: Final[Mapping[str, Wrong]] = {
    **_OF_BOTH_PLANES,
    "a gateway that is not there": Wrong(lambda there: guest(there.mine.partner), NO_TEST_GATEWAY, lambda _: "nobody"),
    "a live gateway, with its own secret": Wrong(
        lambda there: guest(there.live), NO_TEST_GATEWAY, lambda there: there.live.name
    ),
}


FOREIGN: Final = Refusal(403, "InvalidGateway", "This gateway does not allow pages of this origin")


def _from(origin: str) -> Callable[[Scene], Headers]:
    return lambda there: {TOKEN: guest_token(there.mine.partner.jwt_secret), "Origin": origin}


BROWSER: Final[Mapping[str, Wrong]] = {
    "another gateway's token": Wrong(lambda there: {TOKEN: guest_token(there.theirs.partner.jwt_secret)}, SIGNATURE),
    "another page": Wrong(_from("https://evil.example"), FOREIGN),
    "no page": Wrong(_from(""), FOREIGN),
    "a page of no origin": Wrong(_from("null"), FOREIGN),
    "a page whose name begins alike": Wrong(_from(f"{make.SHOP}.evil.example"), FOREIGN),
    "a gateway that is not there": Wrong(lambda there: guest(there.mine.partner), NO_GATEWAY, lambda _: "nobody"),
    # Without a token the caller is a guest.
    **{
        name: Wrong(_token(make_token), refusal) for name, (make_token, refusal) in TOKENS.items() if name != "no token"
    },
}


def _as(who: str, scheme: str = "Token") -> Callable[[Scene], Headers]:
    return lambda there: {"Authorization": f"{scheme} {there.managers[who]}"}


_NO_MANAGER: Final = _invalid_secret("The header Authorization is missing; it must be: Token <key>.")
_WRONG_MANAGER: Final = _invalid_secret("Authorization: ")
MANAGER: Final[Mapping[str, Wrong]] = {
    "nothing": Wrong(lambda _: {}, _NO_MANAGER),
    "a partner's secret and token": Wrong(lambda there: guest(there.mine.partner), _NO_MANAGER),
    "another scheme": Wrong(_as("their own", "Bearer"), _NO_MANAGER),
    "no token": Wrong(lambda _: {"Authorization": "Token"}, _WRONG_MANAGER),
    "a wrong token": Wrong(lambda _: {"Authorization": f"Token {'0' * 40}"}, _WRONG_MANAGER),
    "a token with a space": Wrong(lambda _: {"Authorization": "Token a b"}, _WRONG_MANAGER),
    "a token that is not ASCII": Wrong(lambda _: {"Authorization": "Token ä"}, _WRONG_MANAGER),
    "a partner's secret for a token": Wrong(
        lambda there: {"Authorization": f"Token {there.mine.partner.api_secret}"}, _WRONG_MANAGER
    ),
    "one who has left": Wrong(_as("left"), _WRONG_MANAGER),
    "one without permission": Wrong(
        _as("without permission"), Refusal(403, "UserMismatch", "This user may not publish rebalances.")
    ),
    "another manager": Wrong(
        _as("another manager"), Refusal(404, "NotFound", "You manage no smallcase with this scid.")
    ),
}
WRONG_BY_PLANE: Final = {
    frozenset({"GatewaySecret", "AuthToken"}): PARTNER,
    frozenset({"GatewaySecret"}): SANDBOX,
    frozenset({"ManagerToken"}): MANAGER,
    frozenset({"AuthToken"}): BROWSER,
}
