"""A tester's hand at the broker's side of one order (contract §8)."""

from typing import Final

import pytest

from brokers.simulator.order_actions import ActionKind
from tests.flows import stage
from tests.partner import Partner
from tests.receiver import Receiver

# action → the order at once, after a minute, after ten more
ACTIONS: Final = {
    "fill": ["COMPLETE"] * 3,
    "partial": ["PARTIAL orderUnmatched"] * 3,
    "reject": ["REJECTED otherError"] * 3,
    "cancel": ["CANCELLED orderUnmatched"] * 3,
    "hang": ["PLACED", "ERROR adapterError", "ERROR adapterError"],
    "late-fill": ["PLACED", "ERROR adapterError", "COMPLETE"],
}


class TestAnAct:
    @pytest.mark.parametrize("action", ACTIONS)
    def test_plays_the_brokers_side_of_one_order(self, partner: Partner, action: str) -> None:
        batch = stage.placed(partner, "slow")

        answer = partner.act(batch["batchId"], "TCS", action)

        assert answer.data == {"batchId": batch["batchId"], "tradingsymbol": "TCS", "action": action}
        seen = [stage.later(partner, batch, *ahead) for ahead in ((), ("PT1M",), ("PT10M",))]
        assert [stage.told(found)[1] for found in seen] == ACTIONS[action]
        assert stage.told(seen[-1])[::2] == ["COMPLETE", "COMPLETE"]

    def test_is_listed_with_what_it_reaches(self, partner: Partner) -> None:
        rows = {row["action"]: row["order"] for row in stage.scenarios(partner)["actions"]}

        assert rows == {
            "fill": "COMPLETE",
            "partial": "PARTIAL",
            "reject": "REJECTED",
            "cancel": "CANCELLED",
            "hang": "ERROR",
            "late-fill": "ERROR, then COMPLETE",
        }
        assert set(ACTIONS) == set(ActionKind)


class TestAFill:
    def test_has_the_price_it_was_given(self, partner: Partner) -> None:
        batch = stage.placed(partner, "slow")

        partner.act(batch["batchId"], "TCS", "fill", price=1234.5)

        order = stage.later(partner, batch)["orders"][1]
        assert (order["status"], order["filledQuantity"], order["averagePrice"]) == ("COMPLETE", 10, 1234.5)

    def test_has_the_markets_price_otherwise(self, partner: Partner) -> None:
        stage.pinned(partner, "TCS", 2500)
        batch = stage.placed(partner, "slow")

        partner.act(batch["batchId"], "TCS", "fill")

        assert stage.later(partner, batch)["orders"][1]["averagePrice"] == 2500

    def test_that_is_short_leaves_the_rest_cancelled(self, partner: Partner) -> None:
        batch = stage.placed(partner, "slow")

        partner.act(batch["batchId"], "TCS", "fill", quantity=9)

        order = stage.later(partner, batch)["orders"][1]
        assert (order["status"], order["filledQuantity"], order["quantity"]) == ("PARTIAL", 9, 10)

    def test_makes_an_order_in_error_reported(self, partner: Partner, receiver: Receiver) -> None:
        lost = stage.played(partner, "lost-contact")

        partner.act(lost["batchId"], "RELIANCE", "fill")

        found = stage.later(partner, lost)
        assert (stage.told(found), found["status"]) == (["COMPLETE"] * 3, "COMPLETED")
        assert receiver.events()[-1] == "order.completed"


class TestAPartialFill:
    @pytest.mark.parametrize(("wish", "filled"), [({}, 5), ({"quantity": 3}, 3), ({"quantity": 9}, 9)])
    def test_is_of_half_or_of_what_was_asked(self, partner: Partner, wish: dict[str, int], filled: int) -> None:
        batch = stage.placed(partner, "slow")

        partner.act(batch["batchId"], "TCS", "partial", **wish)

        assert stage.later(partner, batch)["orders"][1]["filledQuantity"] == filled

    @pytest.mark.parametrize("quantity", [10, 11])
    def test_of_the_whole_is_refused(self, partner: Partner, quantity: int) -> None:
        batch = stage.placed(partner, "slow")

        answer = partner.act(batch["batchId"], "TCS", "partial", quantity=quantity)

        assert (answer.status, answer.error_type) == (400, "ValidationError")
        assert stage.told(stage.later(partner, batch)) == ["PLACED"] * 3


class TestAnEnd:
    @pytest.mark.parametrize(
        ("action", "code", "told"),
        [("reject", "checkHoldings", "REJECTED checkHoldings"), ("cancel", "otherError", "CANCELLED otherError")],
    )
    def test_has_the_error_code_it_was_given(self, partner: Partner, action: str, code: str, told: str) -> None:
        batch = stage.placed(partner, "slow")

        partner.act(batch["batchId"], "TCS", action, errorCode=code)

        assert stage.told(stage.later(partner, batch))[1] == told

    def test_after_a_part_has_filled_is_no_rejection(self, partner: Partner) -> None:
        batch = stage.placed(partner, "slow")
        stage.later(partner, batch, "PT30S")

        answer = partner.act(batch["batchId"], "TCS", "reject")

        assert (answer.status, answer.error_type) == (409, "Conflict")

    def test_after_a_part_has_filled_is_partial(self, partner: Partner) -> None:
        batch = stage.placed(partner, "slow")
        stage.later(partner, batch, "PT30S")

        partner.act(batch["batchId"], "TCS", "cancel")

        order = stage.later(partner, batch)["orders"][1]
        assert (order["status"], order["filledQuantity"]) == ("PARTIAL", 4)

    @pytest.mark.parametrize("action", ["partial", "reject", "cancel", "late-fill"])
    def test_comes_once(self, partner: Partner, action: str) -> None:
        batch = stage.placed(partner, "slow")
        partner.act(batch["batchId"], "TCS", "cancel")

        answer = partner.act(batch["batchId"], "TCS", action)

        assert (answer.status, answer.error_type) == (409, "Conflict")


class TestAnActOnNothing:
    def test_of_an_unplaced_order_is_not_found(self, partner: Partner) -> None:
        batch = stage.played(partner, "broker-down")

        answer = partner.act(batch["batchId"], "TCS", "fill")

        assert (answer.status, answer.error_type) == (404, "NotFound")

    @pytest.mark.parametrize("ticker", ["WIPRO", "NOSUCH"])
    def test_of_a_ticker_that_is_not_in_the_batch_is_not_found(self, partner: Partner, ticker: str) -> None:
        batch = stage.placed(partner, "slow")

        answer = partner.act(batch["batchId"], ticker, "fill")

        assert (answer.status, answer.error_type) == (404, "NotFound")

    def test_of_an_unknown_batch_is_not_found(self, partner: Partner) -> None:
        answer = partner.act("0" * 24, "TCS", "fill")

        assert (answer.status, answer.error_type) == (404, "NotFound")
