"""Every persona, PIN and stop reaches what the contract (§7, §8) and the sandbox's own list say."""

from typing import Final

import pytest

from brokers.simulator.personas import Persona
from tests.flows import stage
from tests.partner import Partner
from tests.receiver import Receiver
from transactions.domain.sdk_codes import SdkCode
from transactions.sandbox.scripted_checkout import StopAt
from webhooks.models import Event

# client id → the orders at the end, the batch from placing to the end
PERSONAS: Final = {
    "happy": (["COMPLETE"] * 3, ["PLACED", "COMPLETED"]),
    "partial": (["PARTIAL orderUnmatched", "COMPLETE", "COMPLETE"], ["PLACED", "PARTIALLYFILLED"]),
    "one-rejected": (["COMPLETE", "COMPLETE", "REJECTED marginsExceeded"], ["PLACED", "PARTIALLYFILLED"]),
    "all-rejected": (["REJECTED marginsExceeded"] * 3, ["PLACED", "UNFILLED"]),
    "unmatched": (["CANCELLED orderUnmatched"] * 3, ["PLACED", "UNFILLED"]),
    "broker-down": (["unplaced ERROR adapterError"] * 3, ["UNPLACED"]),
    "partly-placed": (
        ["COMPLETE", "COMPLETE", "unplaced ERROR tradingSystemNotReady"],
        ["PARTIALLYPLACED", "PARTIALLYFILLED"],
    ),
    "lost-contact": (["COMPLETE", "COMPLETE", "ERROR adapterError"], ["PLACED", "ERROR"]),
    "late-fill": (["COMPLETE"] * 3, ["PLACED", "ERROR", "COMPLETED"]),
    "low-funds": (["REJECTED marginsExceeded"] * 3, ["PLACED", "UNFILLED"]),
    "no-holdings": (["COMPLETE"] * 3, ["PLACED", "COMPLETED"]),
    "rich": (["COMPLETE"] * 3, ["PLACED", "COMPLETED"]),
    "slow": (["COMPLETE"] * 3, ["PLACED", "COMPLETED"]),
    "contradicts": (["COMPLETE", "COMPLETE", "ERROR adapterError"], ["PLACED", "ERROR"]),
    "hangs": (["COMPLETE"] * 3, ["PLACED", "COMPLETED"]),
    "deaf": (["ERROR adapterError"] * 3, ["PLACED", "ERROR"]),
    "repeats": (["COMPLETE"] * 3, ["PLACED", "COMPLETED"]),
}
# code → its message, the errorType that answers
SDK_CODES: Final = {
    1001: ("user_mismatch", "UserMismatch"),
    1002: ("no_order", "NoOrder"),
    1003: ("consent_denied", "Conflict"),
    1004: ("insufficient_holdings", "InsufficientHoldings"),
    1005: ("transaction_expired", "TransactionExpired"),
    1006: ("no_broker", "Conflict"),
    1007: ("no_broker", "Conflict"),
    1008: ("no_broker", "Conflict"),
    1010: ("user_cancelled", "Conflict"),
    1011: ("user_cancelled", "Conflict"),
    1012: ("user_cancelled", "Conflict"),
    1013: ("smallcase_archived", "Conflict"),
    2000: ("internal_error", "Conflict"),
    2001: ("holdings_import_error", "Conflict"),
    3000: ("intent_not_enabled_for_broker", "IntentNotEnabledForBroker"),
    3001: ("transaction_expired", "TransactionExpired"),
    3002: ("invalid_transactionId", "Conflict"),
    4003: ("timed_out", "Conflict"),
    4004: ("market_closed", "MarketClosed"),
    4005: ("market_closed", "MarketClosed"),
    4006: ("order_pending", "OrderPending"),
}
# errorCode → what a PIN makes of every order, and the batch
ORDER_CODES: Final = {
    "adapterError": ("unplaced ERROR", "UNPLACED"),
    "tradingSystemNotReady": ("unplaced ERROR", "UNPLACED"),
    "sessionExpired": ("unplaced ERROR", "UNPLACED"),
    "checkHoldings": ("REJECTED", "UNFILLED"),
    "marginsExceeded": ("REJECTED", "UNFILLED"),
    "orderUnmatched": ("CANCELLED", "UNFILLED"),
    "circuitLimitExceeded": ("REJECTED", "UNFILLED"),
    "securityNotAllowed": ("REJECTED", "UNFILLED"),
    "invalidOrder": ("REJECTED", "UNFILLED"),
    "clientNotEnabled": ("REJECTED", "UNFILLED"),
    "otherError": ("REJECTED", "UNFILLED"),
}
STOPS: Final = {"chooser": 1010, "login": 1011, "confirmation": 1012, "no-broker": 1006}


class TestAPersona:
    @pytest.mark.parametrize("persona", PERSONAS)
    def test_ends_as_the_contract_says(self, partner: Partner, receiver: Receiver, persona: str) -> None:
        orders, path = PERSONAS[persona]

        batch = stage.played(partner, persona)

        assert stage.told(batch) == orders
        assert stage.statuses(receiver) == path
        assert batch["status"] == path[-1]

    @pytest.mark.parametrize("persona", PERSONAS)
    def test_ends_as_the_sandbox_says(self, partner: Partner, receiver: Receiver, persona: str) -> None:
        batch = stage.played(partner, persona)

        (row,) = [row for row in stage.scenarios(partner)["personas"] if row["clientId"] == persona]
        assert [*batch["orders"], *batch["unplaced"]][-1]["status"] == row["lastOrder"]
        assert receiver.hits[0].json["status"] == row["batchWhenPlaced"]
        assert batch["status"] == row["batchAtTheEnd"]

    @pytest.mark.parametrize("persona", PERSONAS)
    def test_completes_its_transaction(self, partner: Partner, persona: str) -> None:
        batch = stage.played(partner, persona)

        assert partner.details(batch["transactionId"])["status"] == "COMPLETED"

    def test_may_carry_a_suffix(self, partner: Partner) -> None:
        assert stage.played(partner, "all-rejected-7")["status"] == "UNFILLED"

    def test_is_happy_where_the_id_names_none(self, partner: Partner) -> None:
        assert stage.played(partner, "AB1234")["status"] == "COMPLETED"

    def test_is_played_out_in_full_by_the_tables_above(self) -> None:
        assert {*PERSONAS, "login-fails", "session-ends"} == set(Persona)


class TestLoginFails:
    def test_leaves_the_transaction_as_it_was(self, partner: Partner) -> None:
        made = partner.create()
        before = partner.details(made)

        answer = partner.complete(made, "login-fails")

        assert (answer.status, answer.error_type) == (409, "Conflict")
        assert partner.details(made) == before


class TestSessionEnds:
    def test_leaves_orders_resting_until_the_next_login(self, partner: Partner) -> None:
        resting = stage.played(partner, "session-ends")
        assert (resting["status"], stage.told(resting)) == ("PLACED", ["PLACED"] * 3)

        stage.connected(partner, "session-ends")
        ended = stage.later(partner, resting)

        assert (ended["status"], stage.told(ended)) == ("COMPLETED", ["COMPLETE"] * 3)
        assert Event.objects.filter(type="broker.session_ended").count() == 1

    def test_is_only_the_first_session_of_an_account(self, partner: Partner) -> None:
        stage.played(partner, "session-ends")
        stage.connected(partner, "session-ends")

        assert stage.played(partner, "session-ends")["status"] == "COMPLETED"


class TestASmallBasket:
    def test_of_one_order_is_unfilled_when_that_is_rejected(self, partner: Partner) -> None:
        assert stage.played(partner, "one-rejected", stage.THREE_BUYS[:1])["status"] == "UNFILLED"

    @pytest.mark.parametrize(
        ("ordered", "filled", "status"), [(1, 1, "COMPLETE"), (2, 1, "PARTIAL"), (5, 2, "PARTIAL")]
    )
    def test_is_half_filled_rounded_down(self, partner: Partner, ordered: int, filled: int, status: str) -> None:
        basket = [{"ticker": "INFY", "quantity": ordered, "type": "BUY"}]

        (order,) = stage.played(partner, "partial", basket)["orders"]

        assert (order["filledQuantity"], order["status"]) == (filled, status)

    def test_without_holdings_ends_at_the_confirmation(self, partner: Partner) -> None:
        answer = partner.complete(partner.create(), "no-holdings")

        assert (answer.status, answer.error_type, answer.data["code"]) == (409, "InsufficientHoldings", 1004)
        assert (answer.data["broker"], answer.data["smallcaseAuthToken"] is None) == ("kite", False)

    def test_on_low_funds_still_sells(self, partner: Partner) -> None:
        two_way = [
            {"ticker": "INFY", "quantity": 10, "type": "BUY"},
            {"ticker": "TCS", "quantity": 5, "type": "SELL"},
        ]

        batch = stage.played(partner, "low-funds", two_way)

        assert (stage.told(batch), batch["status"]) == (["REJECTED marginsExceeded", "COMPLETE"], "PARTIALLYFILLED")


class TestAPin:
    @pytest.mark.parametrize("code", SDK_CODES)
    def test_forces_an_sdk_error(self, partner: Partner, code: int) -> None:
        message, error_type = SDK_CODES[code]
        made = partner.create()

        answer = partner.complete(made, pin=f"error_{code}")

        assert (answer.status, answer.error_type, answer.errors) == (409, error_type, [message])
        assert answer.data == {"code": code, "message": message}
        details = partner.details(made)
        assert details["status"] == "ERRORED"
        assert details["error"] == {"value": True, "code": code, "message": message}

    @pytest.mark.parametrize("code", ORDER_CODES)
    def test_forces_an_error_code_on_every_order(self, partner: Partner, code: str) -> None:
        status, batch_status = ORDER_CODES[code]

        batch = stage.played(partner, pin=f"error_{code}")

        assert stage.told(batch) == [f"{status} {code}"] * 3
        assert batch["status"] == batch_status

    def test_is_listed_with_the_sdk_code_it_forces(self, partner: Partner) -> None:
        rows = [row for row in stage.scenarios(partner)["pins"] if "code" in row]

        assert rows == [
            {"pin": f"error_{code}", "code": code, "message": message} for code, (message, _) in SDK_CODES.items()
        ]

    def test_is_listed_with_the_error_code_it_forces(self, partner: Partner) -> None:
        rows = {row["pin"]: row["everyOrder"] for row in stage.scenarios(partner)["pins"] if "errorCode" in row}

        shown = {"unplaced ERROR": "ERROR (unplaced)"}
        assert rows == {f"error_{code}": shown.get(status, status) for code, (status, _) in ORDER_CODES.items()}

    @pytest.mark.parametrize(
        ("pin", "status", "error_type"),
        [("error_nonsense", 409, "Conflict"), ("error_9999", 400, "ValidationError"), ("", 400, "ValidationError")],
    )
    def test_that_names_nothing_changes_nothing(self, partner: Partner, pin: str, status: int, error_type: str) -> None:
        made = partner.create()

        answer = partner.complete(made, pin=pin)

        assert (answer.status, answer.error_type) == (status, error_type)
        assert partner.details(made)["status"] == "INITIALIZED"

    def test_is_played_out_in_full_by_the_tables_above(self) -> None:
        assert set(SDK_CODES) == set(SdkCode)


class TestAStop:
    @pytest.mark.parametrize("stop", STOPS)
    def test_ends_the_transaction(self, partner: Partner, stop: str) -> None:
        made = partner.create()

        answer = partner.complete(made, stopAt=stop)

        assert (answer.status, answer.error_type, answer.data["code"]) == (409, "Conflict", STOPS[stop])
        assert partner.details(made)["status"] == "ERRORED"

    @pytest.mark.parametrize(
        ("stop", "told"),
        [
            ("chooser", {"code", "message"}),
            ("login", {"code", "message"}),
            ("no-broker", {"code", "message"}),
            ("confirmation", {"code", "message", "smallcaseAuthToken", "broker"}),
        ],
    )
    def test_says_who_it_was_once_logged_in(self, partner: Partner, stop: str, told: set[str]) -> None:
        assert partner.complete(partner.create(), stopAt=stop).data.keys() == told

    def test_is_listed_with_what_it_reaches(self, partner: Partner) -> None:
        assert {row["stopAt"]: row["code"] for row in stage.scenarios(partner)["stops"]} == STOPS
        assert set(STOPS) == set(StopAt)
