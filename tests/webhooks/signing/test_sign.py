"""Both signatures of a delivery: against the contract's vector, and with the reference library."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from webhooks.signing.sign import checksum, new_secret, standard_headers

BODY = '{"status":"COMPLETED","notes":"₹ 4711"}'.encode()


class TestChecksum:
    def test_is_the_contracts_vector(self) -> None:
        assert (
            checksum(
                api_secret="test_api_secret",
                timestamp="2020-06-26T08:33:54.803Z",
                auth_id="5d8dc01c1446386d96c4832f",
            )
            == "e3129dac6ae4e7285092f46e5a3d077805f6f5548605ab1d7bea8f6b73f6a8cd"
        )


class TestNewSecret:
    def test_holds_thirty_two_random_bytes(self) -> None:
        one, other = new_secret(), new_secret()

        assert one != other
        assert one.startswith("whsec_")
        assert len(base64.b64decode(one.removeprefix("whsec_"))) == 32


class TestStandardHeaders:
    SECRETS = (new_secret(), new_secret())

    def headers(self, *secrets: str) -> dict[str, str]:
        return standard_headers(webhook_id="evt_1", sent_at=datetime.now(UTC), body=BODY, signing_secrets=secrets)

    def test_are_exact(self) -> None:
        headers = standard_headers(
            webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
            sent_at=datetime.fromtimestamp(1614265330, UTC),
            body=b'{"test": 2432232314}',
            signing_secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        )

        assert headers == {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }

    @pytest.mark.parametrize("held", SECRETS, ids=["the new", "the old"])
    def test_verify_with_either_secret_during_a_rotation(self, held: str) -> None:
        assert Webhook(held).verify(BODY, self.headers(*self.SECRETS)) == {"status": "COMPLETED", "notes": "₹ 4711"}

    @pytest.mark.parametrize(
        ("body", "changed"),
        [(BODY + b" ", {}), (BODY, {"webhook-id": "evt_2"}), (BODY, {"webhook-timestamp": "1"})],
    )
    def test_do_not_verify_what_was_touched(self, body: bytes, changed: dict[str, str]) -> None:
        with pytest.raises(WebhookVerificationError):
            Webhook(self.SECRETS[0]).verify(body, self.headers(self.SECRETS[0]) | changed)

    def test_do_not_verify_with_another_secret(self) -> None:
        with pytest.raises(WebhookVerificationError):
            Webhook(new_secret()).verify(BODY, self.headers(*self.SECRETS))
