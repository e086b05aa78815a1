"""A broker that cannot be reached, and a session that ends, as a partner and its user see them."""

from typing import Any

import pytest

from tests import make
from tests.flows import stage
from tests.flows.test_broker_faults import faults
from tests.investor import Investor
from tests.partner import Partner
from tests.receiver import Receiver
from webhooks.events.event_types import EventType
from webhooks.models import Endpoint

Json = dict[str, Any]
DOWN = {"order_book": "unreachable", "cancel": "unreachable"}


@pytest.fixture
def resting(partner: Partner) -> Json:
    """Three orders that wait for the market to open."""
    partner.hours("closed")
    return stage.placed(partner, amo=True)


class TestAnOutage:
    def test_of_ten_minutes_at_the_open_loses_no_order(self, partner: Partner, resting: Json) -> None:
        faults(partner, "PUT", DOWN)
        partner.hours("always")
        during = stage.later(partner, resting, *["PT1M"] * 10)
        assert (during["status"], stage.told(during)) == ("PLACED", ["PLACED"] * 3)

        faults(partner, "DELETE")

        assert stage.later(partner, resting, "PT1M")["status"] == "COMPLETED"

    def test_keeps_a_cancellation_until_the_broker_is_back(self, partner: Partner) -> None:
        auth_id = stage.connected(partner)
        partner.hours("closed")
        resting = stage.placed(partner, securities=stage.THREE_BUYS[:1], amo=True)
        faults(partner, "PUT", DOWN)
        made = stage.cancelled(partner, resting, "INFY", auth_id=auth_id)
        stage.later(partner, resting, "PT10M")
        assert partner.details(made)["status"] == "PROCESSING"

        faults(partner, "DELETE")

        assert stage.told(stage.later(partner, resting, "PT1M")) == ["CANCELLED AMO"]
        assert partner.details(made)["status"] == "COMPLETED"

    def test_while_placing_leaves_orders_unplaced_after_the_deadline(
        self, partner: Partner, receiver: Receiver
    ) -> None:
        faults(partner, "PUT", {"place": "unreachable"})
        made = partner.create(stage.THREE_BUYS)
        assert partner.complete(made).data["orderBatches"] == []

        for _ in range(2):
            partner.advance("PT3S")
            make.sweep()

        (batch,) = partner.details(made)["success"]["orderBatches"]
        assert (batch["status"], stage.told(batch)) == ("UNPLACED", ["unplaced ERROR adapterError"] * 3)
        assert stage.statuses(receiver) == ["UNPLACED"]

    def test_at_the_login_is_answered_with_the_time_to_wait(self, partner: Partner) -> None:
        faults(partner, "PUT", {"login": "unreachable"})

        answer = partner.complete(partner.create())

        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.errors == ["Zerodha isn't responding. Try again."]


class TestASessionThatEnds:
    def test_in_the_night_is_told_once_and_over_with_the_next_login(
        self, partner: Partner, receiver: Receiver, resting: Json
    ) -> None:
        Endpoint.objects.update(types=[EventType.SESSION_ENDED.value])
        auth_id = str(partner.details(resting["transactionId"])["smallcaseAuthId"])
        faults(partner, "PUT", {"order_book": "session_ended"})
        waiting = stage.later(partner, resting, *["PT1H"] * 3)
        make.sweep()
        told = [hit.json for hit in receiver.hits if "endedAt" in hit.json]
        assert [(one["smallcaseAuthId"], one["batchIds"]) for one in told] == [(auth_id, [resting["batchId"]])]
        assert stage.told(waiting) == ["PLACED"] * 3

        faults(partner, "DELETE")
        partner.hours("always")
        stage.connected(partner)

        assert stage.later(partner, resting, "PT1M")["status"] == "COMPLETED"

    def test_is_a_pending_action_of_the_investment(self, partner: Partner, instruments: None) -> None:
        make.smallcase()
        investor = Investor(partner)
        partner.hours("closed")
        made = investor.create("INVESTMORE")
        assert investor.complete(made, amount=50_000, amo=True).status == 200
        faults(partner, "PUT", {"order_book": "session_ended"})
        partner.advance("PT1H")
        make.sweep()

        (asked,) = investor.investment()["actions"]["reconnect"]

        (batch,) = partner.details(made)["success"]["orderBatches"]
        assert (asked["broker"], asked["batchIds"]) == ("kite", [batch["batchId"]])
