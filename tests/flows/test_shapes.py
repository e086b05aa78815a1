"""The exact keys and forms of what is answered (contract §1, §3.2, §4, §5.3, §6.1)."""

import re
from typing import Any, Final

import jwt
import pytest

from tests.flows import stage
from tests.partner import Partner
from tests.receiver import Receiver

Json = dict[str, Any]
DETAILS: Final = {
    "transactionId",
    "intent",
    "status",
    "expired",
    "expireAt",
    "gateway",
    "orderConfig",
    "config",
    "notes",
    "broker",
    "smallcaseAuthId",
    "smallcaseAuthToken",
    "error",
    "success",
    "createdAt",
    "updatedAt",
    "completedAt",
}
BATCH: Final = {
    "batchId",
    "transactionId",
    "variety",
    "label",
    "originalLabel",
    "quantity",
    "filled",
    "buyAmount",
    "sellAmount",
    "completedDate",
    "status",
    "orders",
    "unplaced",
    "broker",
    "notes",
}
ORDER: Final = {
    "tradingsymbol",
    "transactionType",
    "orderType",
    "status",
    "quantity",
    "filledQuantity",
    "averagePrice",
    "product",
    "exchange",
    "exchangeOrderId",
    "price",
    "triggerPrice",
    "validity",
    "orderTimestamp",
    "errorCode",
    "statusMessage",
    "charges",
}
CONNECTED: Final = {"transactionId", "smallcaseAuthToken", "broker", "notes", "signup"}
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TRANSACTION_ID: Final = re.compile(r"TRX_[0-9a-f]{32}")
OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")


@pytest.fixture
def batch(partner: Partner) -> Json:
    """Of three buys at pinned prices, the last of them unplaced."""
    for ticker, price in (("INFY", 1500.1), ("TCS", 2500), ("RELIANCE", 1300)):
        stage.pinned(partner, ticker, price)
    return stage.played(partner, "partly-placed")


class TestACreatedTransaction:
    def test_is_told_by_id_and_expiry(self, partner: Partner) -> None:
        answer = partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"})

        assert answer.body.keys() == {"success", "errors", "data"}
        assert (answer.body["success"], answer.body["errors"]) == (True, None)
        assert answer.data.keys() == {"transactionId", "expireAt"}
        assert TRANSACTION_ID.fullmatch(answer.data["transactionId"])
        assert MOMENT.fullmatch(answer.data["expireAt"])
        assert answer.headers["Request-Id"]


class TestTransactionDetails:
    def test_of_a_new_one_are_null_where_nothing_is_known(self, partner: Partner) -> None:
        made = partner.create(stage.THREE_BUYS, notes="order 4711", config={"orderName": "Smart Basket"})

        details = partner.details(made)

        assert {name for name, value in details.items() if value is None} == {
            "broker",
            "smallcaseAuthId",
            "smallcaseAuthToken",
            "error",
            "success",
            "completedAt",
        }
        assert details.keys() == DETAILS
        assert details["orderConfig"] == {"type": "SECURITIES", "securities": list(stage.THREE_BUYS)}
        assert (details["gateway"], details["intent"]) == (partner.name, "TRANSACTION")
        assert (details["status"], details["expired"]) == ("INITIALIZED", False)
        assert (details["notes"], details["config"]) == ("order 4711", {"orderName": "Smart Basket"})

    def test_of_a_completed_one_hold_the_sdk_response(self, partner: Partner, batch: Json) -> None:
        details = partner.details(batch["transactionId"])

        assert details.keys() == DETAILS
        assert details["error"] is None
        assert details["success"].keys() == CONNECTED | {"orderBatches"}
        assert details["success"]["orderBatches"] == [batch]
        assert OBJECT_ID.fullmatch(details["smallcaseAuthId"])
        assert all(MOMENT.fullmatch(details[name]) for name in ("expireAt", "createdAt", "updatedAt", "completedAt"))

    def test_of_an_errored_one_hold_the_error(self, partner: Partner) -> None:
        made = partner.create()
        partner.complete(made, stopAt="chooser")

        details = partner.details(made)

        assert details.keys() == DETAILS
        assert details["error"] == {"value": True, "code": 1010, "message": "user_cancelled"}
        assert (details["success"], details["completedAt"]) == (None, None)

    def test_name_the_user_once_logged_in(self, partner: Partner) -> None:
        made = partner.create()
        told = partner.complete(made, stopAt="confirmation").data

        details = partner.details(made)

        claims = jwt.decode(told["smallcaseAuthToken"], partner.jwt_secret, algorithms=["HS256"])
        assert (details["broker"], told["broker"]) == ("kite", "kite")
        assert claims["smallcaseAuthId"] == details["smallcaseAuthId"]

    def test_give_a_token_that_is_good_for_an_hour(self, partner: Partner, batch: Json) -> None:
        details = partner.details(batch["transactionId"])

        claims = jwt.decode(details["smallcaseAuthToken"], partner.jwt_secret, algorithms=["HS256"])

        assert claims.keys() == {"smallcaseAuthId", "iat", "exp"}
        assert partner.batches(auth_id=claims["smallcaseAuthId"]) == [batch]


class TestAnSdkResponse:
    def test_of_a_basket_carries_its_batch(self, partner: Partner) -> None:
        answer = partner.complete(partner.create(notes="order 4711"))

        assert answer.data.keys() == CONNECTED | {"orderBatches"}
        assert (answer.data["broker"], answer.data["notes"], answer.data["signup"]) == ("kite", "order 4711", True)
        assert [batch.keys() for batch in answer.data["orderBatches"]] == [BATCH]

    def test_of_a_connect_carries_none(self, partner: Partner) -> None:
        made = partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"}).data["transactionId"]

        assert partner.complete(made).data.keys() == CONNECTED

    def test_says_sign_up_the_first_time_only(self, partner: Partner) -> None:
        assert [partner.complete(partner.create()).data["signup"] for _ in range(2)] == [True, False]


class TestABatch:
    def test_has_the_contracts_keys(self, batch: Json) -> None:
        assert batch.keys() == BATCH
        assert {key for order in batch["orders"] for key in order} == ORDER
        assert {key for order in batch["unplaced"] for key in order} == ORDER

    def test_counts_securities_and_rupees(self, batch: Json) -> None:
        assert (batch["quantity"], batch["filled"]) == (3, 2)
        assert (batch["buyAmount"], batch["sellAmount"]) == (40001, 0)

    def test_is_of_securities_and_regular(self, batch: Json) -> None:
        assert (batch["label"], batch["originalLabel"], batch["variety"]) == (None, None, "regular")
        assert OBJECT_ID.fullmatch(batch["batchId"])
        assert MOMENT.fullmatch(batch["completedDate"])

    def test_has_no_completed_date_while_it_is_open(self, partner: Partner) -> None:
        assert stage.placed(partner, "slow")["completedDate"] is None


class TestAnOrder:
    def test_that_filled_is_shown_in_full(self, batch: Json) -> None:
        order = batch["orders"][0]

        assert {name: order[name] for name in ORDER - {"exchangeOrderId", "orderTimestamp"}} == {
            "tradingsymbol": "INFY",
            "transactionType": "BUY",
            "orderType": "MARKET",
            "status": "COMPLETE",
            "quantity": 10,
            "filledQuantity": 10,
            "averagePrice": 1500.1,
            "product": "CNC",
            "exchange": "NSE",
            "price": None,
            "triggerPrice": None,
            "validity": "DAY",
            "errorCode": None,
            "statusMessage": None,
            "charges": {
                "brokerage": 0,
                "stt": 15,
                "exchange": 0.46,
                "sebi": 0.02,
                "stamp": 2.25,
                "gst": 0.09,
                "dp": 0,
                "total": 17.82,
            },
        }
        assert re.fullmatch(r"\d{16}", order["exchangeOrderId"])
        assert MOMENT.fullmatch(order["orderTimestamp"])

    def test_that_was_not_placed_never_reached_the_exchange(self, batch: Json) -> None:
        (order,) = batch["unplaced"]

        assert (order["tradingsymbol"], order["status"]) == ("RELIANCE", "ERROR")
        assert (order["errorCode"], order["statusMessage"]) == (
            "tradingSystemNotReady",
            "The broker is not accepting orders.",
        )
        unknown = ("averagePrice", "exchangeOrderId", "orderTimestamp", "charges")
        assert [order[name] for name in unknown] == [None, None, None, None]
        assert order["filledQuantity"] == 0

    def test_that_was_rejected_by_the_broker_has_no_price(self, partner: Partner) -> None:
        order = stage.played(partner, "low-funds")["orders"][0]

        assert (order["averagePrice"], order["exchangeOrderId"], order["filledQuantity"]) == (None, None, 0)


class TestAWebhook:
    def test_is_the_batch_and_who_it_is_of(self, partner: Partner, receiver: Receiver, batch: Json) -> None:
        told = receiver.hits[-1].json

        assert told.keys() == BATCH | {"smallcaseAuthId", "timestamp", "checksum"}
        assert {name: told[name] for name in BATCH} == batch
        assert MOMENT.fullmatch(told["timestamp"])
        assert told["smallcaseAuthId"] == partner.details(batch["transactionId"])["smallcaseAuthId"]
