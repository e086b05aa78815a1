"""Guest or connected, HS256 or nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidJWT
from gateway.tokens import (
    CONNECTED_FOR,
    WRONG_SHAPE,
    Bearer,
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
EARLY = "The authtoken is not valid yet: its iat or nbf lies in the future."


def signed(payload: dict[str, Any], *, algorithm: str = "HS256", secret: str = SECRET) -> str:
    return jwt.encode(payload, secret, algorithm=algorithm)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class TestBearer:
    def test_is_a_guest(self) -> None:
        assert bearer(guest_token(SECRET), SECRET) == Bearer(auth_id=None)

    def test_is_a_connected_user(self) -> None:
        assert bearer(connected_token(SECRET, auth_id=AUTH_ID), SECRET) == Bearer(auth_id=AUTH_ID)

    @pytest.mark.parametrize("claims", [{"iat": 1}, {"nbf": 1}, {"aud": "x"}, {"extra": [1]}, {"exp": 4_102_444_800}])
    def test_takes_what_else_a_partner_signs(self, claims: dict[str, Any]) -> None:
        assert bearer(signed({"guest": True, **claims}), SECRET) == Bearer(auth_id=None)

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
            bearer(signed(payload), SECRET)

        assert refusal.value.sentences == (WRONG_SHAPE,)

    @pytest.mark.parametrize(
        ("claims", "sentence"),
        [
            ({"exp": 1}, "The authtoken has expired."),
            ({"iat": 4_102_444_800}, EARLY),
            ({"nbf": 4_102_444_800}, EARLY),
            ({"exp": "soon"}, NO_JWT),
            ({"exp": float("inf")}, NO_JWT),
            ({"exp": [1]}, NO_JWT),
        ],
    )
    def test_holds_to_the_times_it_names(self, claims: dict[str, Any], sentence: str) -> None:
        with pytest.raises(InvalidJWT) as refusal:
            bearer(signed({"guest": True, **claims}), SECRET)

        assert refusal.value.sentences == (sentence,)

    @pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
    def test_takes_no_other_algorithm(self, algorithm: str) -> None:
        with pytest.raises(InvalidJWT, match="must be signed with HS256"):
            bearer(signed({"guest": True}, algorithm=algorithm, secret=SECRET * 2), SECRET * 2)

    @pytest.mark.parametrize("algorithm", ["none", "None", "RS256", "ES256", "EdDSA", "XX"])
    @pytest.mark.parametrize("signature", ["", "c2lnbmF0dXJl"])
    def test_takes_no_algorithm_that_is_only_named(self, algorithm: str, signature: str) -> None:
        with pytest.raises(InvalidJWT, match="must be signed with HS256"):
            bearer(f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part({'guest': True})}.{signature}", SECRET)

    def test_must_be_signed_with_the_secret(self) -> None:
        with pytest.raises(InvalidJWT, match="does not match the JWT secret"):
            bearer(guest_token(OTHER), SECRET)

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
            bearer(token, SECRET)

    @pytest.mark.parametrize("payload", [b"[]", b"1", b"null", b"{", b"\xff", b"[" * 60_000, b'{"guest":' * 5_000])
    def test_refuses_a_signed_payload_that_is_no_object(self, payload: bytes) -> None:
        token = jwt.api_jws.encode(payload, SECRET, algorithm="HS256")

        with pytest.raises(InvalidJWT):
            bearer(token, SECRET)

    @given(st.text())
    def test_refuses_any_text(self, token: str) -> None:
        with pytest.raises(InvalidJWT):
            bearer(token, SECRET)


class TestTheGatewaysOwn:
    @pytest.mark.parametrize("token", [guest_token(SECRET), connected_token(SECRET, auth_id=AUTH_ID)])
    def test_name_no_end_unless_told(self, token: str) -> None:
        assert "exp" not in jwt.decode(token, SECRET, algorithms=["HS256"])

    def test_end_when_told(self) -> None:
        ends = datetime(2099, 1, 1, tzinfo=UTC)

        for token in (guest_token(SECRET, expires_at=ends), connected_token(SECRET, auth_id=AUTH_ID, expires_at=ends)):
            assert jwt.decode(token, SECRET, algorithms=["HS256"])["exp"] == int(ends.timestamp())

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
