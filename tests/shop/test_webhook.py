"""The shop's own reading of the contract, against what the gateway sends and what it never would."""

import base64
import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from shop.snippets import NODE
from shop.store import KEPT_FORGERIES
from shop.webhook import ForgedWebhook, verify_checksum, verify_signature
from tests import programs
from tests.shop.knocking import PARTNER, WEBHOOK_SECRET, Knocker

BODY = {"timestamp": "2020-06-26T08:33:54.803Z", "smallcaseAuthId": "5d8dc01c1446386d96c4832f"}
IN_NODE = """
import * as shop from {module};
const given = JSON.parse((await import("node:fs")).readFileSync(0, "utf8"));
const bytes = given.map((one) => (one && one.buffer !== undefined ? Buffer.from(one.buffer) : one));
try {{ shop.{name}(...bytes); console.log(JSON.stringify("genuine")); }}
catch (error) {{ console.log(JSON.stringify(error.message)); }}
"""
OTHER = "whsec_" + base64.b64encode(b"another secret of theirs, 32 byte").decode()


def checksum(event: Mapping[str, object], secret: str = PARTNER.api_secret) -> str:
    message = f"{event['timestamp']}{event['smallcaseAuthId'] or ''}"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET, at: int = 0) -> dict[str, str]:
    moment, key = str(int(time.time()) + at), base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"evt_1.{moment}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook_id": "evt_1",
        "webhook_timestamp": moment,
        "webhook_signature": f"v1,{base64.b64encode(digest).decode()}",
        "x_gateway_event": "order.completed",
        "x_gateway_sequence": "2",
        "origin": "",
    }


def genuine(**changed: object) -> bytes:
    return json.dumps({**BODY, "checksum": checksum(BODY), **changed}).encode()


class TestTheChecksum:
    def test_is_that_of_the_contract(self) -> None:
        wanted = "e3129dac6ae4e7285092f46e5a3d077805f6f5548605ab1d7bea8f6b73f6a8cd"

        verify_checksum({**BODY, "checksum": wanted}, "test_api_secret")

    @pytest.mark.parametrize("given", [None, "", 7, "é" * 64, "0" * 64, ["x"]])
    def test_is_refused_when_it_is_another(self, given: object) -> None:
        with pytest.raises(ForgedWebhook):
            verify_checksum({**BODY, "checksum": given}, "test_api_secret")


class TestTheSignature:
    def header(self, body: bytes, secret: str = WEBHOOK_SECRET, at: int = 0) -> dict[str, str]:
        return {name.replace("_", "-"): value for name, value in signed(body, secret=secret, at=at).items()}

    def test_is_that_of_the_reference_library(self) -> None:
        now = datetime.now(UTC)
        headers = {
            "webhook-id": "evt_2",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(WEBHOOK_SECRET).sign("evt_2", now, "{}"),
        }

        verify_signature(headers, b"{}", (WEBHOOK_SECRET,))

    def test_fits_with_any_of_the_secrets(self) -> None:
        verify_signature(self.header(b"{}", OTHER), b"{}", (WEBHOOK_SECRET, OTHER))

    def test_fits_among_several(self) -> None:
        headers = self.header(b"{}")
        headers["webhook-signature"] = f"v1,AAAA v2,x {headers['webhook-signature']}"

        verify_signature(headers, b"{}", (WEBHOOK_SECRET,))

    @pytest.mark.parametrize("moment", ["", "x", "-5", "²", "9" * 13, "1e9", "0"])
    def test_with_no_time_of_ours_is_refused(self, moment: str) -> None:
        with pytest.raises(ForgedWebhook, match="webhook-timestamp"):
            verify_signature({**self.header(b"{}"), "webhook-timestamp": moment}, b"{}", (WEBHOOK_SECRET,))

    @pytest.mark.parametrize("at", [-301, 305])
    def test_that_is_old_or_early_is_refused(self, at: int) -> None:
        with pytest.raises(ForgedWebhook, match="webhook-timestamp"):
            verify_signature(self.header(b"{}", at=at), b"{}", (WEBHOOK_SECRET,))

    @pytest.mark.parametrize("given", ["", "v1,", "é", "v1,AAAA", "v1 ,"])
    def test_of_another_form_is_refused(self, given: str) -> None:
        with pytest.raises(ForgedWebhook, match="no signature"):
            verify_signature({**self.header(b"{}"), "webhook-signature": given}, b"{}", (WEBHOOK_SECRET,))

    def test_of_another_body_is_refused(self) -> None:
        with pytest.raises(ForgedWebhook, match="no signature"):
            verify_signature(self.header(b"{}"), b"{} ", (WEBHOOK_SECRET,))


class TestTheJavaScriptShown:
    def told(self, name: str, *given: object) -> object:
        program = IN_NODE.format(module=json.dumps(NODE.as_uri()), name=name)
        command = [programs.NODE, "--input-type=module", "--eval", program]
        ran = subprocess.run(command, input=json.dumps(given), capture_output=True, check=True, text=True)
        return json.loads(ran.stdout)

    def signature(self, body: str, *, secret: str = WEBHOOK_SECRET, at: int = 0) -> object:
        headers = {name.replace("_", "-"): value for name, value in signed(b"{}", secret=secret, at=at).items()}
        return self.told("verifySignature", headers, {"buffer": body}, [WEBHOOK_SECRET])

    def test_believes_and_refuses_as_ours_does(self) -> None:
        assert self.signature("{}") == "genuine"
        assert self.signature("{} ") == "no signature fits the body"
        assert self.signature("{}", secret=OTHER) == "no signature fits the body"
        assert self.signature("{}", at=-301) == "too old, or a clock is wrong"

    def test_reads_the_checksum_as_the_contract_has_it(self) -> None:
        wanted = "e3129dac6ae4e7285092f46e5a3d077805f6f5548605ab1d7bea8f6b73f6a8cd"

        assert self.told("verifyChecksum", {**BODY, "checksum": wanted}, "test_api_secret") == "genuine"
        assert self.told("verifyChecksum", {**BODY, "checksum": wanted}, "other") == "the checksum does not fit"


class TestTheInbox:
    def test_shows_a_hit_with_both_proofs(self, knock: Knocker) -> None:
        body = genuine(status="COMPLETED")

        told = knock("POST", "/webhooks", body, **signed(body))

        (hit,) = knock("GET", "/api/webhooks").json()
        assert (told.status_code, told.content) == (204, b"")
        assert (hit["type"], hit["sequence"], hit["webhookId"]) == ("order.completed", "2", "evt_1")
        assert (hit["checksum"], hit["signature"], hit["body"]) == ("", "", json.loads(body))

    def test_shows_which_proof_fails(self, knock: Knocker) -> None:
        wrong = genuine(checksum="0" * 64)
        forged = genuine()

        statuses = [
            knock("POST", "/webhooks", wrong, **signed(wrong)).status_code,
            knock("POST", "/webhooks", forged, **signed(forged, secret=OTHER)).status_code,
        ]

        newest, oldest = knock("GET", "/api/webhooks").json()
        assert statuses == [401, 401]
        assert (oldest["checksum"], oldest["signature"]) == (
            "the checksum does not fit timestamp and smallcaseAuthId",
            "",
        )
        assert (newest["checksum"], newest["signature"]) == ("", "no signature fits the body")

    @pytest.mark.parametrize("body", [b"", b"[]", b"x", b"\xff", b"[" * 60_000])
    def test_keeps_nothing_that_is_no_event(self, knock: Knocker, body: bytes) -> None:
        assert knock("POST", "/webhooks", body, **signed(body)).status_code == 400
        assert knock("GET", "/api/webhooks").json() == []

    def test_is_not_crowded_by_forgeries(self, knock: Knocker) -> None:
        body = genuine()
        knock("POST", "/webhooks", body, **signed(body))

        for _ in range(KEPT_FORGERIES + 5):
            knock("POST", "/webhooks", genuine(padding="x" * 5_000), origin="")

        hits = knock("GET", "/api/webhooks").json()
        assert len(hits) == KEPT_FORGERIES + 1
        assert (hits[-1]["signature"], max(len(hit["body"]) for hit in hits[:-1])) == ("", 2_000)

    def test_tells_what_came_after(self, knock: Knocker) -> None:
        body = genuine()
        for _ in range(3):
            knock("POST", "/webhooks", body, **signed(body))
        newest = knock("GET", "/api/webhooks").json()[0]["number"]

        assert [hit["number"] for hit in knock("GET", f"/api/webhooks?after={newest - 1}").json()] == [newest]
        assert knock("GET", f"/api/webhooks?after={newest}").json() == []
