"""What is nobody's, and what has had its moment. Who is not let in, and what is another's: tests/isolation."""

from typing import Final

import pytest

from tests.flows import stage
from tests.flows.refusal import assert_refused, nothing_written
from tests.partner import Partner

DETAILS: Final = "/v1/{gateway}/engine/transactiondetails"


class TestAnIdOfNobodys:
    @pytest.mark.parametrize("id_", ["", "TRX_", "x", f"TRX_{'0' * 32}", f"TRX_{'A' * 32}", "\x00", "'; --", "😀"])
    def test_transaction_is_not_found(self, caller: Partner, id_: str) -> None:
        answer = caller.call("GET", DETAILS, query={"transactionId": id_})

        assert_refused(answer, 404, "NotFound")
        assert answer.data == {"code": 3002, "message": "invalid_transactionId"}

    def test_orders_are_passed_over(self, caller: Partner) -> None:
        assert caller.batches(transactionId=["x", "'; --", f"TRX_{'0' * 32}"], batchId=["y", "0" * 24]) == []


class TestAMoment:
    def test_that_has_passed_is_told(self, partner: Partner) -> None:
        made = partner.create()
        partner.complete(made)

        with nothing_written():
            answer = partner.complete(made)

        assert_refused(answer, 409, "TransactionUsed")
        assert answer.data == {"code": 3001, "message": "transaction_expired"}

    def test_after_the_end_is_told(self, partner: Partner) -> None:
        made = partner.create()
        partner.complete(made, stopAt="chooser")

        assert_refused(partner.complete(made), 409, "TransactionUsed")

    def test_of_another_account_ends_a_connected_transaction(self, partner: Partner) -> None:
        made = partner.create(auth_id=stage.connected(partner, "happy"))

        answer = partner.complete(made, "happy-2")

        assert_refused(answer, 409, "UserMismatch")
        assert answer.data == {"code": 1001, "message": "user_mismatch", "broker": "kite"}
        assert partner.details(made)["status"] == "ERRORED"
