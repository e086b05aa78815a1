"""Serializers of the Browser API."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from rest_framework import serializers

from brokers.ports.registry import BROKERS
from gateway.api.fields import Choice, Matching, RequestBody, Text, Truth
from gateway.values.errors import Invalid
from gateway.values.ids import OBJECT_ID
from gateway.values.origins import is_allowed
from transactions.checkout.sessions import SessionRequest
from transactions.domain.checkout_modes import Mode

DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of 256 bits, without padding
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, 4.1


class OpenSession(RequestBody):
    """Opens a checkout for a transaction. Mode redirect returns to `redirectUrl`, on an allowed origin."""

    transactionId = Text(max_length=64)
    codeChallenge = Matching(
        DIGEST,
        form="the base64url SHA-256 of a codeVerifier, 43 characters without padding",
        help_text="SHA-256 of the `codeVerifier` that you send to `sessions/outcome` (RFC 7636, S256)",
        error_messages={"required": "This page uses an old scdk.js. Reload the page."},
    )
    mode = Choice(required=False, choices=[mode.value for mode in Mode], default=Mode.POPUP.value)
    redirectUrl = Text(required=False, max_length=500, help_text="For mode redirect: the page to return to")
    brokers = serializers.ListField(
        child=Text(max_length=64),
        required=False,
        allow_null=True,
        max_length=100,
        help_text="Only these brokers are offered. Unknown keys are ignored; if none is left, all brokers are offered",
    )
    amo = Truth(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        leads_back = "redirectUrl" in attrs
        if leads_back != (attrs["mode"] == Mode.REDIRECT):
            problem = "is allowed only for mode redirect." if leads_back else "is required for mode redirect."
            raise serializers.ValidationError({"redirectUrl": [problem]})
        return attrs

    @staticmethod
    def session_request(wanted: dict[str, Any], *, origin: str, allowed: Sequence[str]) -> SessionRequest:
        url = wanted.get("redirectUrl", "")
        if url and not is_allowed(_origin(url), allowed):
            raise Invalid("redirectUrl: must be a page on an allowed origin, or an address of an allowed app.")
        return SessionRequest(
            mode=Mode(wanted["mode"]),
            origin=origin,
            code_challenge=wanted["codeChallenge"],
            redirect_url=url,
            brokers=[broker for broker in wanted.get("brokers") or () if broker in BROKERS],
            amo=wanted["amo"],
        )


class OutcomeIn(RequestBody):
    sessionId = Matching(OBJECT_ID, form="24 lower-case hex digits")
    codeVerifier = Matching(
        VERIFIER,
        form="43 to 128 of the characters A-Z a-z 0-9 - . _ ~",
        required=False,
        help_text="The secret of the page that opened the session",
    )
    resultCode = Matching(
        DIGEST,
        form="43 characters of base64url",
        required=False,
        help_text="The code from the window that logged in: in its message, or in the query of the redirect",
    )
    left = Truth(
        required=False, default=False, help_text="The window is closed: end the checkout if nobody has logged in"
    )


def _origin(url: str) -> str:
    """The origin of `url`; empty if it is not absolute, or has characters that browsers parse differently."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    odd = "\\" in url or "@" in parts.netloc or any(ord(character) <= 32 or ord(character) == 127 for character in url)
    return "" if odd else f"{parts.scheme}://{parts.netloc}".lower()
