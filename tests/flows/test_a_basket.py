"""A basket of securities, from transactionId to verified webhook, through HTTP."""

from standardwebhooks import Webhook

from tests.flows import stage
from tests.partner import Partner
from tests.receiver import Receiver
from webhooks.signing.sign import checksum


class TestAHappyBasket:
    def test_ends_complete_everywhere(self, partner: Partner, receiver: Receiver) -> None:
        transaction_id = partner.create(notes="order 4711")

        (shown,) = partner.complete(transaction_id).data["orderBatches"]

        batch = stage.later(partner, shown, "PT10S")
        assert (batch["status"], batch["quantity"], batch["filled"]) == ("COMPLETED", 2, 2)
        assert partner.details(transaction_id)["status"] == "COMPLETED"
        assert partner.batches(transactionId=transaction_id) == [batch]

    def test_sends_two_events_in_order(self, partner: Partner, receiver: Receiver) -> None:
        stage.played(partner)

        assert receiver.events() == ["order.placed", "order.completed"]
        assert [hit.headers["x-gateway-sequence"] for hit in receiver.hits] == ["1", "2"]

    def test_signs_every_word_of_it(self, partner: Partner, receiver: Receiver) -> None:
        stage.played(partner)

        assert partner.webhook_secret is not None
        for hit in receiver.hits:
            Webhook(partner.webhook_secret).verify(hit.body, hit.headers)
            body = hit.json
            expected = checksum(
                api_secret=partner.api_secret, timestamp=body["timestamp"], auth_id=body["smallcaseAuthId"]
            )
            assert body["checksum"] == expected
