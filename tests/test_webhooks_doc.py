"""The receivers in docs/webhooks.md are run unchanged against a real delivery."""

import base64
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from gateway.partners import clock
from gateway.partners.credentials import Credentials
from tests import make
from tests.programs import NODE, ROOT
from tests.webhooks import ledger
from webhooks.delivery.dispatcher import signed
from webhooks.delivery.endpoints import NewEndpoint, add_endpoint

DOCUMENT: Final = (ROOT / "docs" / "webhooks.md").read_text()
CALLED: Final = """
const [headers, body, whsec, apiSecret] = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
try { console.log(JSON.stringify(verify(headers, Buffer.from(body, "base64"), whsec, apiSecret))); }
catch (error) { console.log(JSON.stringify(error.message)); }
"""
Verify = Callable[[Mapping[str, str], bytes, str, str], Any]


def block(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(code)


def in_python(headers: Mapping[str, str], body: bytes, whsec: str, api_secret: str) -> Any:
    """The event, or the sentence of the refusal."""
    names: dict[str, Any] = {}
    exec(block("python"), names)
    try:
        return names["verify"](headers, body, whsec, api_secret)
    except ValueError as error:
        return str(error)


def in_javascript(headers: Mapping[str, str], body: bytes, whsec: str, api_secret: str) -> Any:
    told = json.dumps([headers, base64.b64encode(body).decode(), whsec, api_secret])
    ran = subprocess.run(
        [NODE, "-e", block("javascript") + CALLED], input=told, capture_output=True, check=True, text=True
    )
    return json.loads(ran.stdout)


LANGUAGES: Final = [
    pytest.param(in_python, id="Python"),
    pytest.param(in_javascript, id="JavaScript"),
]


@pytest.fixture
def made(db: None) -> Credentials:
    return make.credentials()


@pytest.fixture
def hook(made: Credentials) -> NewEndpoint:
    return add_endpoint(gateway=made.gateway, url="https://partner.example/hooks", now=clock.wall())


@pytest.fixture
def delivered(made: Credentials, hook: NewEndpoint) -> tuple[bytes, dict[str, str]]:
    event = ledger.event(made.gateway, clock.wall())
    return signed(event.deliveries.select_related("event", "endpoint", "gateway").get(), clock.wall())


@pytest.mark.parametrize("verify", LANGUAGES)
class TestTheReceiverOfTheDocument:
    def test_believes_a_delivery(
        self, delivered: tuple[bytes, dict[str, str]], made: Credentials, hook: NewEndpoint, verify: Verify
    ) -> None:
        body, headers = delivered

        assert verify(headers, body, hook.secret, made.api_secret) == json.loads(body)

    def test_refuses_another_body(
        self, delivered: tuple[bytes, dict[str, str]], made: Credentials, hook: NewEndpoint, verify: Verify
    ) -> None:
        body, headers = delivered

        assert verify(headers, body + b" ", hook.secret, made.api_secret) == "no signature fits"

    def test_refuses_another_api_secret(
        self, delivered: tuple[bytes, dict[str, str]], made: Credentials, hook: NewEndpoint, verify: Verify
    ) -> None:
        body, headers = delivered

        assert verify(headers, body, hook.secret, made.jwt_secret) == "the checksum does not fit"

    def test_refuses_what_is_old(
        self, delivered: tuple[bytes, dict[str, str]], made: Credentials, hook: NewEndpoint, verify: Verify
    ) -> None:
        body, headers = delivered
        old = headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 301)}

        assert verify(old, body, hook.secret, made.api_secret) == "too old, or a clock is wrong"
