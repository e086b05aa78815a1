"""What others see, key by key."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.ports.broker import OrderType, Side
from gateway.models import Gateway
from gateway.partners import clock
from gateway.partners.authentication import jwt_secrets
from gateway.values.tokens import bearer
from tests import make
from transactions.api import payloads
from transactions.checkout.broker_login import log_in
from transactions.domain.basket import Security
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.models import Batch, Order, Transaction

THREE = (
    Security("INFY", 10, Side.BUY),
    Security("TCS", 5, Side.SELL, OrderType.LIMIT, price=Decimal("2473.70")),
    Security("RELIANCE", 2, Side.BUY),
)


@pytest.fixture
def batch(gateway: Gateway, now: datetime) -> Batch:
    """One bought in full, one sold in part, one that never reached the broker."""
    made = make.queued_batch(gateway=gateway, securities=THREE, now=now)
    bought: dict[str, Any] = {
        "status": "COMPLETE",
        "filled_quantity": 10,
        "average_price": "1180.1234",
        "exchange_order_id": "11",
    }
    sold: dict[str, Any] = {
        "status": "PARTIAL",
        "filled_quantity": 2,
        "average_price": "2473.7000",
        "error_code": "orderUnmatched",
    }
    lost: dict[str, Any] = {"status": "UNPLACED", "error_code": "tradingSystemNotReady", "status_message": "Not now."}
    for order, facts in zip(make.orders(made), [bought, sold, lost], strict=True):
        Order.objects.filter(pk=order.pk).update(**facts)
    Order.objects.filter(batch=made).exclude(status="UNPLACED").update(ordered_at=now)
    Batch.objects.filter(pk=made.pk).update(status="PARTIALLYFILLED", placed_at=now, completed_at=now)
    Transaction.objects.filter(pk=made.transaction_id).update(notes="4711", status="COMPLETED", completed_at=now)
    return Batch.objects.select_related("transaction__account", "transaction__gateway").get(pk=made.pk)


class TestBatch:
    def test_shows_exactly_the_contracts_keys(self, batch: Batch) -> None:
        wire = payloads.batch(batch, make.orders(batch), batch.transaction)

        assert {key: value for key, value in wire.items() if key not in {"orders", "unplaced"}} == {
            "batchId": batch.batch_id,
            "transactionId": batch.transaction.transaction_id,
            "variety": "regular",
            "label": None,
            "originalLabel": None,
            "quantity": 3,
            "filled": 1,
            "buyAmount": 11801.23,
            "sellAmount": 4947.4,
            "completedDate": "2026-11-20T05:30:00.000Z",
            "status": "PARTIALLYFILLED",
            "broker": "kite",
            "notes": "4711",
        }

    def test_shows_an_order_with_all_that_is_known(self, batch: Batch) -> None:
        wire = payloads.batch(batch, make.orders(batch), batch.transaction)

        assert wire["orders"] == [
            {
                "tradingsymbol": "INFY",
                "transactionType": "BUY",
                "orderType": "MARKET",
                "status": "COMPLETE",
                "quantity": 10,
                "filledQuantity": 10,
                "averagePrice": 1180.1234,
                "product": "CNC",
                "exchange": "NSE",
                "exchangeOrderId": "11",
                "price": None,
                "triggerPrice": None,
                "validity": "DAY",
                "orderTimestamp": "2026-11-20T05:30:00.000Z",
                "errorCode": None,
                "statusMessage": None,
                "charges": {
                    "brokerage": 0,
                    "stt": 12,
                    "exchange": 0.36,
                    "sebi": 0.01,
                    "stamp": 1.77,
                    "gst": 0.07,
                    "dp": 0,
                    "total": 14.21,
                },
            },
            {
                "tradingsymbol": "TCS",
                "transactionType": "SELL",
                "orderType": "LIMIT",
                "status": "PARTIAL",
                "quantity": 5,
                "filledQuantity": 2,
                "averagePrice": 2473.7,
                "product": "CNC",
                "exchange": "NSE",
                "exchangeOrderId": None,
                "price": 2473.7,
                "triggerPrice": None,
                "validity": "DAY",
                "orderTimestamp": "2026-11-20T05:30:00.000Z",
                "errorCode": "orderUnmatched",
                "statusMessage": None,
                "charges": {
                    "brokerage": 0,
                    "stt": 5,
                    "exchange": 0.15,
                    "sebi": 0,
                    "stamp": 0,
                    "gst": 0.03,
                    "dp": 15.34,
                    "total": 20.52,
                },
            },
        ]

    def test_shows_the_slices_of_an_order_that_has_some(self, batch: Batch) -> None:
        order = make.orders(batch)[0]
        order.slices = [
            {"exchange_order_id": "11", "quantity": 6, "filled_quantity": 6, "average_price": "1180.1234"},
            {"exchange_order_id": "12", "quantity": 4, "filled_quantity": 0, "average_price": None},
        ]

        (shown,) = payloads.batch(batch, [order], batch.transaction)["orders"]

        assert shown["slices"] == [
            {"exchangeOrderId": "11", "quantity": 6, "filledQuantity": 6, "averagePrice": 1180.1234},
            {"exchangeOrderId": "12", "quantity": 4, "filledQuantity": 0, "averagePrice": None},
        ]

    def test_shows_what_was_not_placed_apart_and_as_an_error(self, batch: Batch) -> None:
        (unplaced,) = payloads.batch(batch, make.orders(batch), batch.transaction)["unplaced"]

        assert {key: unplaced[key] for key in ("tradingsymbol", "status", "errorCode", "orderTimestamp")} == {
            "tradingsymbol": "RELIANCE",
            "status": "ERROR",
            "errorCode": "tradingSystemNotReady",
            "orderTimestamp": None,
        }


class TestOrderEvent:
    def test_is_the_batch_and_whose_it_is(self, batch: Batch) -> None:
        orders = make.orders(batch)

        assert payloads.order_event(batch, orders, batch.transaction) == {
            **payloads.batch(batch, orders, batch.transaction),
            "smallcaseAuthId": batch.account.auth_id,
        }


class TestDetails:
    def test_of_a_new_transaction_are_null_where_nothing_is_known(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)

        assert payloads.details(made, [], expired=False) == {
            "transactionId": made.transaction_id,
            "intent": "TRANSACTION",
            "status": "INITIALIZED",
            "expired": False,
            "expireAt": "2026-11-20T05:45:00.000Z",
            "gateway": gateway.name,
            "orderConfig": {
                "type": "SECURITIES",
                "securities": [
                    {"ticker": "INFY", "quantity": 10, "type": "BUY"},
                    {"ticker": "TCS", "quantity": 5, "type": "SELL"},
                ],
            },
            "config": None,
            "notes": None,
            "broker": None,
            "smallcaseAuthId": None,
            "smallcaseAuthToken": None,
            "error": None,
            "success": None,
            "createdAt": "2026-11-20T05:30:00.000Z",
            "updatedAt": "2026-11-20T05:30:00.000Z",
            "completedAt": None,
        }

    def test_after_the_login_name_the_user(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, now=now)

        wire = payloads.details(made, [], expired=False)

        assert made.account is not None
        assert (wire["status"], wire["broker"], wire["smallcaseAuthId"], wire["success"]) == (
            "USED",
            "kite",
            made.account.auth_id,
            None,
        )

    def test_carry_a_token_for_that_user(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, now=now)

        token = payloads.details(made, [], expired=False)["smallcaseAuthToken"]

        assert made.account is not None
        assert bearer(token, jwt_secrets(gateway)[0], now=clock.wall()).auth_id == made.account.auth_id

    def test_carry_the_sdk_response_once_there_is_one(self, batch: Batch) -> None:
        orders = list(Order.objects.select_related("batch").filter(batch=batch).order_by("position"))

        success = payloads.details(batch.transaction, orders, expired=False)["success"]

        assert success["orderBatches"] == [payloads.batch(batch, orders, batch.transaction)]

    def test_tell_an_error(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)
        Transaction.objects.filter(pk=made.pk).update(status="ERRORED", error_code=1010, error_message="user_cancelled")
        made.refresh_from_db()

        error = payloads.details(made, [], expired=False)["error"]

        assert error == {"value": True, "code": 1010, "message": "user_cancelled"}


class TestSdkResponse:
    def test_of_a_connect_has_no_batches(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, intent=Intent.CONNECT, now=now)
        log_in(transaction=made, broker="groww", client_id="happy", pin="1234", now=now)

        response = payloads.sdk_response(made, [])

        assert {**response, "smallcaseAuthToken": "…"} == {
            "transactionId": made.transaction_id,
            "smallcaseAuthToken": "…",
            "broker": "groww",
            "notes": None,
            "signup": True,
        }

    def test_never_shows_what_is_queued(self, gateway: Gateway, now: datetime) -> None:
        batch = make.queued_batch(gateway=gateway, now=now)

        assert payloads.sdk_response(batch.transaction, make.orders(batch))["orderBatches"] == []


class TestSdkError:
    @pytest.mark.parametrize("code", [SdkCode.CANCELLED_BEFORE_LOGIN, SdkCode.EXPIRED_OR_USED])
    def test_from_before_the_login_names_nobody(self, gateway: Gateway, now: datetime, code: SdkCode) -> None:
        made = make.logged_in(gateway=gateway, now=now)

        assert set(payloads.sdk_error(code, made)) == {"code", "message"}

    def test_of_a_mismatch_names_the_broker_alone(self, gateway: Gateway, now: datetime) -> None:
        wire = payloads.sdk_error(SdkCode.USER_MISMATCH, make.logged_in(gateway=gateway, now=now))

        assert wire == {"code": 1001, "message": "user_mismatch", "broker": "kite"}

    def test_from_after_the_login_names_the_user(self, gateway: Gateway, now: datetime) -> None:
        wire = payloads.sdk_error(SdkCode.MARKET_CLOSED, make.logged_in(gateway=gateway, now=now))

        assert (wire["code"], wire["message"], wire["broker"]) == (4004, "market_closed", "kite")
        assert wire["smallcaseAuthToken"].count(".") == 2

    def test_of_a_connected_user_who_has_not_logged_in_names_nobody(self, gateway: Gateway, now: datetime) -> None:
        known = make.logged_in(gateway=gateway, now=now).account
        made = make.transaction(gateway=gateway, account=known, now=now + timedelta(minutes=1))

        assert payloads.sdk_error(SdkCode.INTENT_NOT_ENABLED, made) == {
            "code": 3000,
            "message": "intent_not_enabled_for_broker",
        }
