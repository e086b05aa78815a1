"""CANCEL_ORDER: a connected user ends an own order before it executes."""

from typing import Any

import pytest

from tests.flows import stage
from tests.flows.refusal import assert_refused, nothing_written
from tests.partner import Partner
from tests.receiver import Receiver

Json = dict[str, Any]
LIMIT = [{"ticker": "INFY", "quantity": 10, "type": "BUY", "orderType": "LIMIT", "price": 990}]


@pytest.fixture
def auth_id(partner: Partner) -> str:
    return stage.connected(partner)


@pytest.fixture
def amo(partner: Partner, auth_id: str) -> Json:
    """One order, the market closed."""
    partner.hours("closed")
    return stage.placed(partner, securities=stage.THREE_BUYS[:1], amo=True)


@pytest.fixture
def three(partner: Partner, auth_id: str) -> Json:
    """Three orders, the market closed."""
    partner.hours("closed")
    return stage.placed(partner, amo=True)


class TestACancelledOrder:
    def test_is_cancelled_amo_in_a_cancelled_batch(self, partner: Partner, amo: Json, auth_id: str) -> None:
        stage.cancelled(partner, amo, "INFY", auth_id=auth_id)

        found = stage.later(partner, amo)
        assert (stage.told(found), found["status"]) == (["CANCELLED AMO"], "CANCELLED")
        assert found["completedDate"] is not None

    def test_completes_both_transactions(self, partner: Partner, amo: Json, auth_id: str) -> None:
        made = stage.cancelled(partner, amo, "INFY", auth_id=auth_id)

        stage.later(partner, amo)

        transactions = (made, amo["transactionId"])
        assert [partner.details(id_)["status"] for id_ in transactions] == ["COMPLETED", "COMPLETED"]

    def test_is_shown_in_the_sdk_response(self, partner: Partner, amo: Json, auth_id: str) -> None:
        made = stage.cancelled(partner, amo, "INFY", auth_id=auth_id)

        (shown,) = partner.details(made)["success"]["orderBatches"]

        assert (shown["batchId"], shown["status"]) == (amo["batchId"], "CANCELLED")

    def test_sends_an_event_to_the_partner(self, partner: Partner, receiver: Receiver, amo: Json, auth_id: str) -> None:
        stage.cancelled(partner, amo, "INFY", auth_id=auth_id)

        stage.later(partner, amo)

        assert receiver.events() == ["order.placed", "order.completed"]
        assert receiver.hits[-1].json["orders"][0]["status"] == "CANCELLED AMO"

    def test_may_be_a_limit_order_of_an_open_market(self, partner: Partner, auth_id: str) -> None:
        stage.pinned(partner, "INFY", 1000)
        batch = stage.placed(partner, securities=LIMIT)
        stage.later(partner, batch, "PT10S")

        stage.cancelled(partner, batch, "INFY", auth_id=auth_id)

        assert stage.told(stage.later(partner, batch)) == ["CANCELLED AMO"]

    def test_does_not_change_the_others(self, partner: Partner, three: Json, auth_id: str) -> None:
        stage.cancelled(partner, three, "TCS", auth_id=auth_id)
        between = stage.later(partner, three)

        partner.hours("always")

        found = stage.later(partner, three)
        assert (stage.told(between), between["status"]) == (["PLACED", "CANCELLED AMO", "PLACED"], "PLACED")
        assert (stage.told(found), found["status"]) == (["COMPLETE", "CANCELLED AMO", "COMPLETE"], "PARTIALLYFILLED")

    def test_with_all_the_others_makes_a_cancelled_batch(self, partner: Partner, three: Json, auth_id: str) -> None:
        for ticker in ("INFY", "TCS", "RELIANCE"):
            stage.cancelled(partner, three, ticker, auth_id=auth_id)

        assert stage.later(partner, three)["status"] == "CANCELLED"

    def test_keeps_what_had_filled(self, partner: Partner) -> None:
        auth_id = stage.connected(partner, "slow")
        batch = stage.placed(partner, "slow", stage.THREE_BUYS[:1])
        stage.later(partner, batch, "PT30S")

        stage.cancelled(partner, batch, "INFY", auth_id=auth_id, client_id="slow")

        found = stage.later(partner, batch)
        assert (found["orders"][0]["status"], found["orders"][0]["filledQuantity"]) == ("PARTIAL", 4)
        assert found["status"] == "PARTIALLYFILLED"


class TestACancellation:
    def test_is_not_for_guests(self, partner: Partner, amo: Json) -> None:
        with nothing_written():
            answer = stage.wish_to_cancel(partner, amo, "INFY", auth_id=None)

        assert_refused(answer, 403, "ConnectedUserRequired")

    def test_of_another_users_order_is_not_found(self, partner: Partner, amo: Json) -> None:
        other = stage.connected(partner, "happy-2")

        with nothing_written():
            answer = stage.wish_to_cancel(partner, amo, "INFY", auth_id=other)

        assert_refused(answer, 404, "NotFound")

    @pytest.mark.parametrize("batch_id", ["0" * 24, "f" * 24])
    def test_of_an_unknown_batch_is_not_found(self, partner: Partner, auth_id: str, batch_id: str) -> None:
        answer = stage.wish_to_cancel(partner, {"batchId": batch_id}, "INFY", auth_id=auth_id)

        assert_refused(answer, 404, "NotFound")

    def test_of_a_ticker_not_in_the_batch_is_not_found(self, partner: Partner, amo: Json, auth_id: str) -> None:
        assert_refused(stage.wish_to_cancel(partner, amo, "WIPRO", auth_id=auth_id), 404, "NotFound")

    @pytest.mark.parametrize("persona", ["happy", "all-rejected", "unmatched", "broker-down"])
    def test_of_an_order_that_is_not_open_is_refused(self, partner: Partner, persona: str) -> None:
        batch = stage.played(partner, persona)
        auth_id = str(partner.details(batch["transactionId"])["smallcaseAuthId"])

        with nothing_written():
            answer = stage.wish_to_cancel(partner, batch, "INFY", auth_id=auth_id)

        assert_refused(answer, 409, "NoOrder")

    def test_that_is_too_late_finds_no_order(self, partner: Partner, amo: Json, auth_id: str) -> None:
        made = stage.wish_to_cancel(partner, amo, "INFY", auth_id=auth_id).data["transactionId"]
        partner.hours("always")
        stage.later(partner, amo)

        answer = partner.complete(made)

        assert_refused(answer, 409, "NoOrder")
        assert (answer.data["code"], answer.data["message"], answer.data["broker"]) == (1002, "no_order", "kite")
        assert partner.details(made)["status"] == "ERRORED"

    def test_that_was_made_twice_is_done_once(self, partner: Partner, amo: Json, auth_id: str) -> None:
        first, second = (
            stage.wish_to_cancel(partner, amo, "INFY", auth_id=auth_id).data["transactionId"] for _ in range(2)
        )
        assert partner.complete(first).status == 200

        assert_refused(partner.complete(second), 409, "NoOrder")

    def test_needs_the_login_of_its_own_account(self, partner: Partner, amo: Json, auth_id: str) -> None:
        made = stage.wish_to_cancel(partner, amo, "INFY", auth_id=auth_id).data["transactionId"]

        answer = partner.complete(made, "happy-2")

        assert_refused(answer, 409, "UserMismatch")
        assert stage.told(stage.later(partner, amo)) == ["PLACED"]

    def test_lives_five_minutes(self, partner: Partner, amo: Json, auth_id: str) -> None:
        made = stage.wish_to_cancel(partner, amo, "INFY", auth_id=auth_id).data["transactionId"]
        partner.advance("PT5M")

        assert_refused(partner.complete(made), 409, "TransactionExpired")
