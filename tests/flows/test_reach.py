"""Nothing in the vocabulary is out of a tester's reach: every status and every code is brought about through HTTP."""

from typing import Any, Final

import pytest

from gateway.partners import clock
from tests.flows import stage
from tests.partner import Partner
from tests.receiver import Receiver
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.statuses import BatchStatus, OrderStatus, TransactionStatus
from transactions.execution.mark_complete import mark_complete
from transactions.models import Batch

FOR_PERSONAS: Final = (
    "happy",
    "partial",
    "all-rejected",
    "unmatched",
    "broker-down",
    "partly-placed",
    "lost-contact",
)
ORDER_CODES: Final = {
    "adapterError",
    "tradingSystemNotReady",
    "checkHoldings",
    "marginsExceeded",
    "orderUnmatched",
    "circuitLimitExceeded",
    "securityNotAllowed",
    "invalidOrder",
    "clientNotEnabled",
    "sessionExpired",
    "otherError",
}
HIDDEN: Final = {"QUEUED", "UNPLACED"}


def cancelled_by_its_user(partner: Partner) -> dict[str, Any]:
    """An AMO of one order, cancelled before the market opened."""
    auth_id = stage.connected(partner)
    partner.hours("closed")
    batch = stage.placed(partner, securities=stage.THREE_BUYS[:1], amo=True)
    stage.cancelled(partner, batch, "INFY", auth_id=auth_id)
    partner.hours("always")
    return stage.later(partner, batch)


def marked_complete(partner: Partner) -> dict[str, Any]:
    batch = stage.played(partner, "all-rejected")
    mark_complete(batch=Batch.objects.get(batch_id=batch["batchId"]), now=clock.wall())
    return stage.later(partner, batch)


@pytest.fixture
def batches(partner: Partner) -> list[dict[str, Any]]:
    """One of each kind, at the end."""
    return [
        *(stage.played(partner, persona) for persona in FOR_PERSONAS),
        cancelled_by_its_user(partner),
        marked_complete(partner),
    ]


class TestWithinReach:
    def test_is_every_transaction_status_but_that_of_smallcase_orders(self, partner: Partner) -> None:
        undecided = ({"ticker": "INFY", "type": "BUY"},)
        initialized, errored, processing, completed = (partner.create(stage.THREE_BUYS) for _ in range(4))
        used = partner.create(undecided)
        assert partner.complete(used).status == 400  # logged in; the quantity was not chosen
        partner.complete(errored, stopAt="chooser")
        partner.complete(completed, "broker-down")
        partner.complete(processing, "slow")

        reached = {partner.details(made)["status"] for made in (initialized, used, errored, processing, completed)}

        assert reached == set(TransactionStatus) - {"ACTION_REQUIRED"}

    def test_is_every_batch_status(self, partner: Partner, receiver: Receiver, batches: list[dict[str, Any]]) -> None:
        reached = {batch["status"] for batch in batches} | {hit.json["status"] for hit in receiver.hits}

        assert reached == set(BatchStatus) - {"QUEUED"}

    def test_is_every_order_status(self, receiver: Receiver, batches: list[dict[str, Any]]) -> None:
        orders = [order for hit in receiver.hits for order in hit.json["orders"]]

        assert {order["status"] for order in orders} == set(OrderStatus) - HIDDEN

    def test_is_every_sdk_code(self, partner: Partner) -> None:
        answers = [partner.complete(partner.create(), pin=f"error_{code.value}") for code in SdkCode]

        assert {answer.data["code"] for answer in answers} == set(SdkCode)

    def test_is_every_error_code_of_an_order(self, partner: Partner) -> None:
        pins = [row["pin"] for row in stage.scenarios(partner)["pins"] if "errorCode" in row]

        ended = [stage.played(partner, pin=pin) for pin in pins]

        assert {order["errorCode"] for batch in ended for order in batch["orders"] + batch["unplaced"]} == ORDER_CODES
