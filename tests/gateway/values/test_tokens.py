"""Guest or connected, HS256 or nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.values.errors import InvalidJWT
from gateway.values.tokens import (
    CONNECTED_FOR,
    WRONG_SHAPE,
    Bearer,
    WrongSignature,
    bearer,
    claimed_auth_id,
    connected_token,
    guest_token,
    signed_with,
)

SECRET, OTHER = "s" * 43, "t" * 43
AUTH_ID = "5d8dc01c1446386d96c4832f"
HOUR = timedelta(hours=1)
NO_JWT = "The authtoken is not a JWT."
NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
HUGE = pytest.param(10**400, id="huge")  # more than a float can hold


def signed(payload: dict[str, Any], *, algorithm: str = "HS256", secret: str = SECRET) -> str:
    return jwt.encode(payload, secret, algorithm=algorithm)


def read(token: str) -> Bearer:
    return bearer(token, SECRET, now=NOW)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def refusal(claim: str, at: object) -> str:
    with pytest.raises(InvalidJWT) as refused:
        read(jwt.api_jws.encode(json.dumps({"guest": True, claim: at}).encode(), SECRET, algorithm="HS256"))
    (sentence,) = refused.value.sentences
    return sentence


class TestBearer:
    def test_is_a_guest(self) -> None:
        assert read(guest_token(SECRET)) == Bearer(auth_id=None)

    def test_is_a_connected_user(self) -> None:
        assert read(connected_token(SECRET, auth_id=AUTH_ID)) == Bearer(auth_id=AUTH_ID)

    @pytest.mark.parametrize("claims", [{"aud": "x"}, {"extra": [1]}, {"sub": 5}, {"jti": 5}])
    def test_takes_what_else_a_partner_signs(self, claims: dict[str, Any]) -> None:
        assert read(signed({"guest": True, **claims})) == Bearer(auth_id=None)

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"guest": False},
            {"guest": "true"},
            {"guest": 1},
            {"guest": None, "smallcaseAuthId": None},
            {"guest": True, "smallcaseAuthId": AUTH_ID},
            {"guest": False, "smallcaseAuthId": AUTH_ID},
            {"smallcaseAuthId": ""},
            {"smallcaseAuthId": AUTH_ID.upper()},
            {"smallcaseAuthId": AUTH_ID[:-1]},
            {"smallcaseAuthId": f"{AUTH_ID}\n"},
            {"smallcaseAuthId": 5},
            {"smallcaseAuthId": [AUTH_ID]},
        ],
    )
    def test_is_exactly_one_of_the_two(self, payload: dict[str, Any]) -> None:
        with pytest.raises(InvalidJWT) as refusal:
            read(signed(payload))

        assert refusal.value.sentences == (WRONG_SHAPE,)

    def test_names_the_times_only_to_those_who_know_the_secret(self) -> None:
        with pytest.raises(WrongSignature):
            read(signed({"guest": True, "exp": 1, "iat": SECONDS + 3600}, secret=OTHER))

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_takes_no_other_algorithm(self, algorithm: str) -> None:
        with pytest.raises(InvalidJWT, match="must be signed with HS256"):
            bearer(signed({"guest": True}, algorithm=algorithm, secret=SECRET * 2), SECRET * 2, now=NOW)

    @pytest.mark.parametrize("algorithm", ["none", "None", "RS256", "ES256", "EdDSA", "XX"])
    @pytest.mark.parametrize("signature", ["", "c2lnbmF0dXJl"])
    def test_takes_no_algorithm_that_is_only_named(self, algorithm: str, signature: str) -> None:
        with pytest.raises(InvalidJWT, match="must be signed with HS256"):
            read(f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part({'guest': True})}.{signature}")

    def test_must_be_signed_with_the_secret(self) -> None:
        with pytest.raises(InvalidJWT, match="does not match the JWT secret"):
            read(guest_token(OTHER))

    @pytest.mark.parametrize(
        "token",
        [
            "x",
            "..",
            "a.b.c",
            "a.b.c.d",
            "₹.₹.₹",
            "\x00",
            f"{part([1])}.{part({})}.x",
            f"{part({'typ': 'JWT'})}.{part({})}.",
            f"{part({'alg': None})}.{part({})}.",
            f"{base64.urlsafe_b64encode(b'[' * 5000).decode()}.e30.x",
        ],
    )
    def test_refuses_garbage(self, token: str) -> None:
        with pytest.raises(InvalidJWT):
            read(token)

    @pytest.mark.parametrize("payload", [b"[]", b"1", b"null", b"{", b"\xff", b"[" * 60_000, b'{"guest":' * 5_000])
    def test_refuses_a_signed_payload_that_is_no_object(self, payload: bytes) -> None:
        token = jwt.api_jws.encode(payload, SECRET, algorithm="HS256")

        with pytest.raises(InvalidJWT):
            read(token)

    @given(st.text())
    def test_refuses_any_text(self, token: str) -> None:
        with pytest.raises(InvalidJWT):
            read(token)


class TestTimes:
    @pytest.mark.parametrize(
        "claims",
        [
            {},
            *({claim: at} for claim in ("iat", "nbf") for at in (SECONDS, SECONDS + 2, SECONDS + 60, 1, 0, -5, -1e300)),
            {"iat": SECONDS + 59.9},
            {"iat": -(10**400)},
            *(
                {"exp": at}
                for at in (SECONDS + 1, SECONDS, SECONDS - 10, SECONDS - 9.5, SECONDS * 1000, 10**400, 1e300)
            ),
            {"iat": SECONDS + 60, "nbf": SECONDS + 60, "exp": SECONDS - 10},
        ],
    )
    def test_are_accepted_within_the_differences_of_clocks(self, claims: dict[str, Any]) -> None:
        assert read(signed({"guest": True, **claims})) == Bearer(auth_id=None)

    @pytest.mark.parametrize("claim", ["iat", "nbf"])
    @pytest.mark.parametrize(
        ("at", "skew"),
        [
            (SECONDS + 61, "61 s"),
            (SECONDS + 60.001, "61 s"),
            (SECONDS + 3600, "3600 s"),
        ],
    )
    def test_that_lie_ahead_are_refused_by_their_skew(self, claim: str, at: float, skew: str) -> None:
        assert refusal(claim, at) == (
            f"The authtoken is not valid yet: its {claim} is {skew} ahead of our clock; up to 60 s is accepted."
        )

    @pytest.mark.parametrize("at", [SECONDS * 1000, 1e300, HUGE])
    def test_that_lie_far_ahead_may_be_in_milliseconds(self, at: float) -> None:
        assert refusal("iat", at) == (
            "The authtoken is not valid yet: its iat is more than a year ahead of our clock; up to 60 s is accepted."
            " Times are in seconds, not in milliseconds."
        )

    @pytest.mark.parametrize(
        ("at", "skew"),
        [
            (SECONDS - 11, "11 s"),
            (SECONDS - 10.5, "11 s"),
            (SECONDS - 3600, "3600 s"),
            *((at, "more than a year") for at in (1, 0, -5, -1e300)),
            pytest.param(-(10**400), "more than a year", id="huge"),
        ],
    )
    def test_that_are_over_are_refused_by_their_skew(self, at: float, skew: str) -> None:
        assert refusal("exp", at) == (
            f"The authtoken has expired: its exp is {skew} behind our clock; up to 10 s is accepted."
        )

    @pytest.mark.parametrize("claim", ["iat", "nbf", "exp"])
    @pytest.mark.parametrize(
        "at",
        ["soon", str(SECONDS), "", None, True, False, [SECONDS], {}, float("inf"), float("-inf"), float("nan")],
    )
    def test_that_are_no_numbers_are_refused_by_name(self, claim: str, at: object) -> None:
        assert refusal(claim, at) == f"The authtoken's {claim} must be a number of seconds since 1970."


class TestTheGatewaysOwn:
    @pytest.mark.parametrize("token", [guest_token(SECRET), connected_token(SECRET, auth_id=AUTH_ID)])
    def test_name_no_end_unless_told(self, token: str) -> None:
        assert "exp" not in jwt.decode(token, SECRET, algorithms=["HS256"])

    def test_end_when_told(self) -> None:
        ends = datetime(2099, 1, 1, tzinfo=UTC)

        for token in (guest_token(SECRET, expires_at=ends), connected_token(SECRET, auth_id=AUTH_ID, expires_at=ends)):
            assert jwt.decode(token, SECRET, algorithms=["HS256"])["exp"] == int(ends.timestamp())

    def test_carry_iat_when_told(self) -> None:
        for token in (guest_token(SECRET, issued_at=NOW), connected_token(SECRET, auth_id=AUTH_ID, issued_at=NOW)):
            assert jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_iat": False})["iat"] == SECONDS

    def test_stand_for_an_hour(self) -> None:
        assert CONNECTED_FOR == HOUR


class TestSignedWith:
    @pytest.mark.parametrize(
        ("token", "fits"),
        [
            (guest_token(SECRET), True),
            (signed({"guest": True, "exp": 1}), True),
            (signed({"anything": 1}), True),
            (guest_token(OTHER), False),
            ("x", False),
            ("", False),
        ],
    )
    def test_looks_at_the_signature_alone(self, token: str, fits: bool) -> None:
        assert signed_with(token, SECRET) is fits


class TestClaimedAuthId:
    @pytest.mark.parametrize(
        ("token", "claimed"),
        [
            (connected_token(OTHER, auth_id=AUTH_ID), AUTH_ID),
            (guest_token(SECRET), ""),
            (signed({"smallcaseAuthId": "' OR 1=1"}), ""),
            (signed({"smallcaseAuthId": ["a"]}), ""),
            ("", ""),
            ("x", ""),
            ("₹.₹.₹", ""),
        ],
    )
    def test_is_an_id_or_nothing(self, token: str, claimed: str) -> None:
        assert claimed_auth_id(token) == claimed

    @given(st.text())
    def test_is_nothing_for_any_text(self, token: str) -> None:
        assert claimed_auth_id(token) == ""
