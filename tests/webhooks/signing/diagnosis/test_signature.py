import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhooks.signing.diagnosis.exhibit import (
    API_SECRET,
    ID,
    JWT_SECRET,
    KNOWN,
    NOW,
    OTHER_SECRET,
    SECRET,
    Exhibit,
    genuine,
)
from webhooks.signing.diagnosis.capture import Captured
from webhooks.signing.diagnosis.known_credentials import Known
from webhooks.signing.diagnosis.search import Cause
from webhooks.signing.diagnosis.signature import diagnose_signature
from webhooks.signing.sign import new_secret, standard_headers

Mistake = Callable[[Exhibit], Exhibit]
UNKNOWN_TO_US: Final = Known()


def causes(exhibit: Exhibit, known: Known = UNKNOWN_TO_US, *, late: timedelta = timedelta(0)) -> list[Cause]:
    told = diagnose_signature(exhibit.captured, secret=exhibit.secret, known=known, now=NOW + late)
    return [finding.cause for finding in told]


def sentence(exhibit: Exhibit, known: Known = UNKNOWN_TO_US) -> str:
    (finding,) = diagnose_signature(exhibit.captured, secret=exhibit.secret, known=known, now=NOW)
    return finding.sentence


def _parsed(**style: Any) -> Mistake:
    return lambda it: it.with_body(json.dumps(it.told, **style).encode())


def _signature(change: Callable[[str], str]) -> Mistake:
    return lambda it: it.with_header("webhook-signature", change(it.header("webhook-signature")))


def _secret(change: Callable[[str], str]) -> Mistake:
    return lambda it: replace(it, secret=change(it.secret))


def _signed_as(message: Callable[[str, str, bytes], bytes], *, key: bytes | None = None) -> Mistake:
    """The signature that a receiver's own code came to."""

    def mistaken(it: Exhibit) -> Exhibit:
        signed = message(it.header("webhook-id"), it.header("webhook-timestamp"), it.captured.body)
        secret = key or base64.b64decode(SECRET.removeprefix("whsec_"))
        digest = hmac.new(secret, signed, hashlib.sha256).digest()
        return it.with_header("webhook-signature", f"v1,{base64.b64encode(digest).decode()}")

    return mistaken


def _standard(id_: str, stamp: str, body: bytes) -> bytes:
    return f"{id_}.{stamp}.".encode() + body


MISTAKES: Final[dict[str, tuple[Mistake, Cause]]] = {
    "JSON.stringify": (_parsed(separators=(",", ":"), ensure_ascii=False), Cause.BODY),
    "keys sorted": (_parsed(sort_keys=True), Cause.BODY),
    "indented": (_parsed(indent=4), Cause.BODY),
    "a line feed at the end": (lambda it: it.with_body(it.captured.body + b"\n"), Cause.BODY),
    "a byte order mark": (lambda it: it.with_body(b"\xef\xbb\xbf" + it.captured.body), Cause.BODY),
    "v1, missing": (_signature(lambda it: it.removeprefix("v1,")), Cause.FORM),
    "v1= instead": (_signature(lambda it: it.replace("v1,", "v1=")), Cause.FORM),
    "in hex": (_signature(lambda it: "v1," + base64.b64decode(it[3:]).hex()), Cause.FORM),
    "unpadded": (_signature(lambda it: it.rstrip("=")), Cause.FORM),
    "not base64": (_signature(lambda it: "v1,***"), Cause.FORM),
    "a space after the secret": (_secret(lambda it: f"{it} "), Cause.SECRET),
    "padding lost": (_secret(lambda it: it.rstrip("=")), Cause.SECRET),
    "key as text": (_signed_as(_standard, key=SECRET.encode()), Cause.SECRET),
    "key as text without whsec_": (_signed_as(_standard, key=SECRET.removeprefix("whsec_").encode()), Cause.SECRET),
    "the API secret": (_secret(lambda it: API_SECRET), Cause.SECRET),
    "not base64 at all": (_secret(lambda it: "whsec_?"), Cause.SECRET),
    "timestamp in milliseconds": (
        lambda it: it.with_header("webhook-timestamp", f"{it.header('webhook-timestamp')}000"),
        Cause.TIMESTAMP,
    ),
    "another timestamp": (lambda it: it.with_header("webhook-timestamp", "1700000000"), Cause.TIMESTAMP),
    "body alone was signed": (_signed_as(lambda id_, stamp, body: body), Cause.MESSAGE),
    "id left out": (_signed_as(lambda id_, stamp, body: f"{stamp}.".encode() + body), Cause.MESSAGE),
    "full stops left out": (_signed_as(lambda id_, stamp, body: f"{id_}{stamp}".encode() + body), Cause.MESSAGE),
    "another body": (lambda it: it.with_body(b'{"timestamp": 1}'), Cause.UNKNOWN),
    "another secret": (_secret(lambda it: OTHER_SECRET), Cause.UNKNOWN),
}


class TestDiagnosis:
    def test_of_a_genuine_one_finds_nothing_wrong(self) -> None:
        assert causes(genuine()) == [Cause.GENUINE]

    @pytest.mark.parametrize("name", MISTAKES)
    def test_names_the_wrong_input(self, name: str) -> None:
        mistake, cause = MISTAKES[name]

        assert causes(mistake(genuine())) == [cause]

    @pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
    def test_names_a_missing_header(self, header: str) -> None:
        exhibit = genuine().with_header(header, "")

        assert (causes(exhibit), header in sentence(exhibit)) == ([Cause.MISSING], True)

    def test_takes_any_of_several_signatures(self) -> None:
        exhibit = genuine()
        headers = standard_headers(
            webhook_id=ID, sent_at=NOW, body=exhibit.captured.body, signing_secrets=[new_secret(), SECRET]
        )

        assert causes(replace(exhibit, captured=Captured(headers, exhibit.captured.body))) == [Cause.GENUINE]

    @pytest.mark.parametrize(("seconds", "cause"), [(300, "genuine"), (301, "tolerance"), (-301, "tolerance")])
    def test_measures_the_time_that_has_passed(self, seconds: int, cause: str) -> None:
        assert causes(genuine(), late=timedelta(seconds=seconds)) == [Cause(cause)]

    def test_names_two_inputs_that_are_wrong_at_once(self) -> None:
        exhibit = MISTAKES["JSON.stringify"][0](MISTAKES["unpadded"][0](genuine()))

        assert sorted(causes(exhibit)) == [Cause.BODY, Cause.FORM]

    def test_says_how_the_body_was_written(self) -> None:
        exhibit = MISTAKES["JSON.stringify"][0](genuine())

        assert "as Python's json.dumps writes it" in sentence(exhibit)


class TestDiagnosisWithTheStoredSecrets:
    @pytest.mark.parametrize(
        ("mistake", "cause", "told"),
        [
            (_secret(lambda it: OTHER_SECRET), Cause.SECRET, "the secret of B: it was signed with the secret of A"),
            (_secret(lambda it: JWT_SECRET), Cause.SECRET, "the JWT secret of demo: it was signed"),
            (_secret(lambda it: new_secret()), Cause.SECRET, "it was signed with the secret of A"),
            (lambda it: it.with_header("webhook-id", "evt_" + "c" * 24), Cause.ID, f"it was signed with {ID}"),
            (lambda it: it.with_body(b"{}"), Cause.UNKNOWN, "The secret is right"),
            (
                lambda it: replace(it.with_body(b"{}"), secret=new_secret()),
                Cause.SECRET,
                "The secret is not one of this gateway's.",
            ),
        ],
    )
    def test_names_them(self, mistake: Mistake, cause: Cause, told: str) -> None:
        exhibit = mistake(genuine())

        assert causes(exhibit, KNOWN) == [cause]
        assert told in sentence(exhibit, KNOWN)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PAYLOADS = st.dictionaries(st.text(min_size=1), JSON, max_size=4)


class TestDiagnosisOfWhatever:
    @given(payload=PAYLOADS)
    def test_finds_a_genuine_one_genuine(self, payload: dict[str, Any]) -> None:
        assert causes(genuine(payload)) == [Cause.GENUINE]

    @given(payload=PAYLOADS, style=st.sampled_from([{"separators": (",", ":")}, {"sort_keys": True}, {"indent": 2}]))
    def test_finds_a_body_that_was_written_anew(self, payload: dict[str, Any], style: dict[str, Any]) -> None:
        exhibit = _parsed(**style)(genuine(payload))
        unchanged = exhibit.captured.body == genuine(payload).captured.body

        assert causes(exhibit) == [Cause.GENUINE if unchanged else Cause.BODY]

    @given(
        headers=st.dictionaries(
            st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text(max_size=40)
        ),
        body=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: json.dumps(text).encode()),
        secret=st.text(max_size=60),
    )
    def test_never_breaks_and_never_believes(self, headers: dict[str, str], body: bytes, secret: str) -> None:
        exhibit = Exhibit(Captured(headers, body), secret=secret)

        assert causes(exhibit) != [Cause.GENUINE]
        assert causes(exhibit, KNOWN)
