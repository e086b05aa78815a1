import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhooks.signing.diagnosis.exhibit import (
    API_SECRET,
    AUTH_ID,
    JWT_SECRET,
    KNOWN,
    SECRET,
    STAMP,
    Exhibit,
    genuine,
)
from webhooks.signing.diagnosis.capture import Captured
from webhooks.signing.diagnosis.checksum import diagnose_checksum
from webhooks.signing.diagnosis.known_credentials import Known
from webhooks.signing.diagnosis.search import Cause

UNKNOWN_TO_US: Final = Known()


def causes(exhibit: Exhibit, known: Known = UNKNOWN_TO_US, computed: str | None = None) -> list[Cause]:
    told = diagnose_checksum(exhibit.captured, api_secret=exhibit.api_secret, known=known, computed=computed)
    return [finding.cause for finding in told]


def hmac_of(message: str, *, key: bytes = API_SECRET.encode(), algorithm: str = "sha256") -> "hmac.HMAC":
    return hmac.new(key, message.encode(), algorithm)


# The checksum of a receiver's code, and the mistake in that code.
COMPUTED: Final[dict[str, tuple[str, Cause]]] = {
    "as it should be": (hmac_of(STAMP + AUTH_ID).hexdigest(), Cause.GENUINE),
    "the other way round": (hmac_of(AUTH_ID + STAMP).hexdigest(), Cause.MESSAGE),
    "parted": (hmac_of(f"{STAMP}.{AUTH_ID}").hexdigest(), Cause.MESSAGE),
    "parted and swapped": (hmac_of(f"{AUTH_ID}|{STAMP}").hexdigest(), Cause.MESSAGE),
    "the body": (hmac_of(genuine().captured.body.decode()).hexdigest(), Cause.MESSAGE),
    "without the id": (hmac_of(STAMP).hexdigest(), Cause.AUTH_ID),
    "without milliseconds": (hmac_of(f"2026-11-20T05:30:00Z{AUTH_ID}").hexdigest(), Cause.TIMESTAMP),
    "with an offset": (hmac_of(f"2026-11-20T05:30:00+00:00{AUTH_ID}").hexdigest(), Cause.TIMESTAMP),
    "in epoch milliseconds": (hmac_of(f"1795152600000{AUTH_ID}").hexdigest(), Cause.TIMESTAMP),
    "the header's timestamp": (hmac_of(f"1795152600{AUTH_ID}").hexdigest(), Cause.TIMESTAMP),
    "in base64": (base64.b64encode(hmac_of(STAMP + AUTH_ID).digest()).decode(), Cause.FORM),
    "in upper case": (hmac_of(STAMP + AUTH_ID).hexdigest().upper(), Cause.FORM),
    "SHA-1": (hmac_of(STAMP + AUTH_ID, algorithm="sha1").hexdigest(), Cause.FORM),
    "no key": (hashlib.sha256(f"{STAMP}{AUTH_ID}".encode()).hexdigest(), Cause.FORM),
    "anything else": ("0" * 64, Cause.UNKNOWN),
}
WITHOUT_USER: Final[dict[str, tuple[str, Cause]]] = {
    "timestamp alone": (hmac_of(STAMP).hexdigest(), Cause.GENUINE),
    "null": (hmac_of(f"{STAMP}null").hexdigest(), Cause.AUTH_ID),
    "None": (hmac_of(f"{STAMP}None").hexdigest(), Cause.AUTH_ID),
    "undefined": (hmac_of(f"{STAMP}undefined").hexdigest(), Cause.AUTH_ID),
}


class TestDiagnosis:
    def test_of_a_genuine_one_finds_nothing_wrong(self) -> None:
        assert causes(genuine()) == [Cause.GENUINE]

    @pytest.mark.parametrize("name", COMPUTED)
    def test_names_what_a_receivers_code_got_wrong(self, name: str) -> None:
        computed, cause = COMPUTED[name]

        assert causes(genuine(), computed=computed) == [cause]

    @pytest.mark.parametrize("name", WITHOUT_USER)
    def test_knows_that_nothing_stands_for_nobody(self, name: str) -> None:
        computed, cause = WITHOUT_USER[name]

        assert causes(genuine(auth_id=None), computed=computed) == [cause]

    @pytest.mark.parametrize(
        ("secret", "known", "cause", "told"),
        [
            (f"{API_SECRET}\n", UNKNOWN_TO_US, Cause.SECRET, "white space"),
            (SECRET, UNKNOWN_TO_US, Cause.SECRET, "an endpoint's webhook secret"),
            ("wrong", UNKNOWN_TO_US, Cause.UNKNOWN, "the API secret is wrong"),
            ("wrong", KNOWN, Cause.SECRET, "made with the API secret of demo"),
            (JWT_SECRET, KNOWN, Cause.SECRET, "made with the API secret of demo"),
        ],
    )
    def test_names_a_wrong_secret(self, secret: str, known: Known, cause: Cause, told: str) -> None:
        exhibit = replace(genuine(), api_secret=secret)

        (finding,) = diagnose_checksum(exhibit.captured, api_secret=secret, known=known)

        assert (finding.cause, told in finding.sentence) == (cause, True)

    def test_names_the_jwt_secret_that_code_was_given_for_the_api_secret(self) -> None:
        computed = hmac_of(STAMP + AUTH_ID, key=JWT_SECRET.encode()).hexdigest()

        (finding,) = diagnose_checksum(genuine().captured, api_secret=API_SECRET, known=KNOWN, computed=computed)

        assert finding.cause is Cause.SECRET
        assert "made with the JWT secret of demo" in finding.sentence

    def test_names_the_jwt_secret_where_nothing_fits(self) -> None:
        forged = genuine().with_body(json.dumps(genuine().told | {"timestamp": "2020"}).encode())

        (finding,) = diagnose_checksum(forged.captured, api_secret=JWT_SECRET, known=KNOWN)

        assert finding.sentence == "This is the JWT secret of demo; the checksum's key is the API secret."

    @pytest.mark.parametrize("field", ["timestamp", "smallcaseAuthId", "checksum"])
    def test_names_a_missing_field(self, field: str) -> None:
        told = {name: value for name, value in genuine().told.items() if name != field}

        assert causes(genuine().with_body(json.dumps(told).encode())) == [Cause.MISSING]

    @pytest.mark.parametrize("body", [b"", b"[]", b"status=PLACED", b"\xff"])
    def test_names_a_body_that_is_none(self, body: bytes) -> None:
        assert causes(genuine().with_body(body)) == [Cause.BODY]


MESSAGES: Final[dict[Cause, Callable[[str, str], str]]] = {
    Cause.GENUINE: lambda stamp, auth_id: stamp + auth_id,
    Cause.MESSAGE: lambda stamp, auth_id: auth_id + stamp,
    Cause.AUTH_ID: lambda stamp, auth_id: stamp,
}


class TestDiagnosisOfWhatever:
    @given(
        auth_id=st.text("0123456789abcdef", min_size=24, max_size=24),
        cause=st.sampled_from(list(MESSAGES)),
        stamp=st.datetimes().map(lambda at: f"{at.isoformat(timespec='milliseconds')}Z"),
    )
    def test_finds_what_was_made_of_it(self, auth_id: str, cause: Cause, stamp: str) -> None:
        told = {"timestamp": stamp, "smallcaseAuthId": auth_id}
        captured = Captured({}, json.dumps(told).encode())

        computed = hmac_of(MESSAGES[cause](stamp, auth_id)).hexdigest()

        findings = diagnose_checksum(captured, api_secret=API_SECRET, known=UNKNOWN_TO_US, computed=computed)
        assert [finding.cause for finding in findings] == [cause]

    @given(
        told=st.dictionaries(
            st.sampled_from(["timestamp", "smallcaseAuthId", "checksum"]),
            st.none() | st.integers() | st.text(max_size=40) | st.lists(st.integers(), max_size=2),
        ),
        secret=st.text(max_size=60),
    )
    def test_never_breaks_and_never_believes(self, told: dict[str, Any], secret: str) -> None:
        exhibit = replace(genuine().with_body(json.dumps(told).encode()), api_secret=secret)

        assert causes(exhibit) != [Cause.GENUINE]
        assert causes(exhibit, KNOWN)
