"""What time brings: steps, silence, a late report, expiry. The gateway's clock is moved; nobody waits."""

from itertools import groupby
from typing import Any, Final

from tests.flows import stage
from tests.flows.refusal import assert_refused
from tests.partner import Partner
from tests.receiver import Receiver

Json = dict[str, Any]
ONE: Final = stage.THREE_BUYS[:1]
UNDECIDED: Final = ({"ticker": "INFY", "type": "BUY"},)


def logged_in(partner: Partner) -> str:
    """A transaction whose user stands before the confirmation, a quantity still to be chosen."""
    made = partner.create(UNDECIDED)
    assert partner.complete(made).status == 400
    return made


class TestASlowBasket:
    def test_is_reported_step_by_step(self, partner: Partner, receiver: Receiver) -> None:
        batch = stage.placed(partner, "slow", ONE)

        stage.later(partner, batch, "PT13S", "PT13S", "PT14S", "PT21S")

        told = [hit.json["orders"][0]["filledQuantity"] for hit in receiver.hits]
        assert [quantity for quantity, _ in groupby(told)] == [0, 2, 4, 6, 10]

    def test_is_sent_in_order(self, partner: Partner, receiver: Receiver) -> None:
        batch = stage.placed(partner, "slow", ONE)

        stage.later(partner, batch, "PT13S", "PT13S", "PT14S", "PT21S")

        first, *between, last = receiver.events()
        assert (first, set(between), last) == ("order.placed", {"order.updated"}, "order.completed")
        sequence = [int(hit.headers["x-gateway-sequence"]) for hit in receiver.hits]
        assert sequence == list(range(1, len(sequence) + 1))

    def test_is_processing_until_it_is_filled(self, partner: Partner) -> None:
        batch = stage.placed(partner, "slow", ONE)
        between = stage.later(partner, batch, "PT30S")
        status = partner.details(batch["transactionId"])["status"]

        found = stage.later(partner, batch, "PT31S")

        assert (between["status"], between["filled"], status) == ("PLACED", 0, "PROCESSING")
        assert (found["status"], found["filled"]) == ("COMPLETED", 1)
        assert partner.details(batch["transactionId"])["status"] == "COMPLETED"

    def test_is_shown_by_batch_only_while_it_is_open(self, partner: Partner) -> None:
        batch = stage.placed(partner, "slow", ONE)

        assert partner.batches(transactionId=batch["transactionId"]) == []
        assert [found["status"] for found in partner.batches(batchId=batch["batchId"])] == ["PLACED"]


class TestASilentBroker:
    def test_is_borne_for_five_seconds(self, partner: Partner) -> None:
        batch = stage.placed(partner, "lost-contact", ONE)

        borne = stage.later(partner, batch, "PT3S")
        given_up = stage.later(partner, batch, "PT3S")

        assert (stage.told(borne), borne["status"]) == (["PLACED"], "PLACED")
        assert (stage.told(given_up), given_up["status"]) == (["ERROR adapterError"], "ERROR")

    def test_leaves_a_completed_transaction_and_an_unfinished_batch(self, partner: Partner) -> None:
        batch = stage.later(partner, stage.placed(partner, "lost-contact"), "PT10S")

        assert (batch["status"], batch["filled"], batch["completedDate"]) == ("ERROR", 2, None)
        assert partner.details(batch["transactionId"])["status"] == "COMPLETED"

    def test_sends_an_update_event(self, partner: Partner, receiver: Receiver) -> None:
        stage.later(partner, stage.placed(partner, "lost-contact", ONE), "PT10S", "P1D", "P2D")

        assert receiver.events() == ["order.placed", "order.updated"]
        assert receiver.hits[-1].json["status"] == "ERROR"

    def test_that_contradicts_itself_counts_as_no_report(self, partner: Partner) -> None:
        batch = stage.placed(partner, "contradicts", ONE)

        borne = stage.later(partner, batch, "PT3S")
        given_up = stage.later(partner, batch, "PT6S")

        assert [stage.told(found) for found in (borne, given_up)] == [["PLACED"], ["ERROR adapterError"]]


class TestALateWord:
    def test_is_still_taken(self, partner: Partner, receiver: Receiver) -> None:
        batch = stage.placed(partner, "late-fill", ONE)
        lost = stage.later(partner, batch, "PT1M", "PT8M")

        found = stage.later(partner, batch, "PT1M", "PT15M")

        assert (stage.told(lost), lost["status"]) == (["ERROR adapterError"], "ERROR")
        assert (stage.told(found), found["status"]) == (["COMPLETE"], "COMPLETED")
        assert receiver.events() == ["order.placed", "order.updated", "order.completed"]
        assert receiver.hits[-1].json["orders"] == found["orders"]

    def test_sets_the_completed_date(self, partner: Partner) -> None:
        batch = stage.placed(partner, "late-fill", ONE)
        lost = stage.later(partner, batch, "PT1M")

        found = stage.later(partner, batch, "PT10M")

        assert (lost["completedDate"], found["completedDate"] is None) == (None, False)

    def test_leaves_nothing_of_the_error(self, partner: Partner) -> None:
        (order,) = stage.played(partner, "late-fill", ONE)["orders"]

        assert (order["errorCode"], order["statusMessage"], order["filledQuantity"]) == (None, None, 10)


class TestATransactionsTime:
    def test_is_fifteen_minutes(self, partner: Partner) -> None:
        made = partner.create()
        partner.advance("PT14M50S")
        before = partner.details(made)["expired"]

        partner.advance("PT10S")

        after = partner.details(made)
        assert (before, after["expired"], after["status"]) == (False, True, "INITIALIZED")

    def test_is_five_minutes_for_a_connect(self, partner: Partner) -> None:
        made = partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"}).data["transactionId"]
        partner.advance("PT4M50S")
        before = partner.details(made)["expired"]

        partner.advance("PT10S")

        after = partner.details(made)
        assert (before, after["expired"], after["status"]) == (False, True, "INITIALIZED")

    def test_that_passed_before_the_login_ends_it(self, partner: Partner) -> None:
        made = partner.create()
        partner.advance("PT15M")

        answer = partner.complete(made)

        assert_refused(answer, 409, "TransactionExpired")
        assert answer.data == {"code": 3001, "message": "transaction_expired"}
        assert_expired(partner, made, 3001)

    def test_that_passed_after_the_login_ends_it_in_the_flow(self, partner: Partner) -> None:
        made = logged_in(partner)
        partner.advance("PT15M")
        before = partner.details(made)

        answer = partner.complete(made, securities=[{"ticker": "INFY", "quantity": 1}])

        assert (before["status"], before["expired"]) == ("USED", True)
        assert_refused(answer, 409, "TransactionExpired")
        assert answer.data.keys() == {"code", "message", "smallcaseAuthToken", "broker"}
        assert (answer.data["code"], answer.data["broker"]) == (1005, "kite")
        assert_expired(partner, made, 1005)

    def test_that_has_passed_is_notified_once(self, partner: Partner) -> None:
        made = partner.create()
        partner.advance("PT15M")
        partner.complete(made)

        again = partner.complete(made)

        assert_refused(again, 409, "TransactionUsed")
        assert_expired(partner, made, 3001)

    def test_that_passes_while_a_quantity_is_chosen_is_enough(self, partner: Partner) -> None:
        made = logged_in(partner)
        partner.advance("PT14M50S")

        answer = partner.complete(made, securities=[{"ticker": "INFY", "quantity": 1}])

        assert answer.status == 200
        assert answer.data["orderBatches"][0]["quantity"] == 1

    def test_does_not_pass_for_one_that_was_confirmed(self, partner: Partner) -> None:
        partner.hours("closed")
        batch = stage.placed(partner, amo=True)
        partner.advance("P2D")

        details = partner.details(batch["transactionId"])

        assert (details["status"], details["expired"]) == ("PROCESSING", False)


def assert_expired(partner: Partner, made: str, code: int) -> None:
    details = partner.details(made)
    assert (details["status"], details["expired"]) == ("ERRORED", True)
    assert details["error"] == {"value": True, "code": code, "message": "transaction_expired"}
