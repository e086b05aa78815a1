"""The user's part: log in at a broker, confirm, walk away. What is refused leaves no batch behind."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.models import BrokerSession
from brokers.ports.broker import OrderType, Side
from brokers.sessions import session_of
from brokers.simulator.faults.link_faults import forced_error
from brokers.simulator.models import SimAccount
from gateway.database.encryption import decrypt
from gateway.models import Account, Gateway
from gateway.values.errors import Invalid
from tests import make
from transactions.api.exception_handler import envelope_errors
from transactions.checkout.broker_login import PinRefused, log_in, walk_away
from transactions.checkout.confirm import NotLoggedIn, UserSelections, confirm
from transactions.domain.basket import Security
from transactions.domain.intents import Intent
from transactions.domain.sdk_codes import SdkCode
from transactions.domain.statuses import OrderStatus
from transactions.lifecycle.create import TransactionRequest, create_transaction
from transactions.lifecycle.transitions import SdkError, TransactionUsed
from transactions.models import Batch, Order, Transaction
from webhooks.models import Event

OPEN_QUESTION = (Security("INFY"), Security("TCS"))
LIMIT = (Security("INFY", 1, Side.BUY, OrderType.LIMIT, price=Decimal("1100.00")),)
MINUTE = timedelta(minutes=1)


def enter(
    made: Transaction, now: datetime, *, broker: str = "kite", client_id: str = "happy", pin: str = "1234"
) -> Transaction:
    return log_in(transaction=made, broker=broker, client_id=client_id, pin=pin, now=now)


def fresh(made: Transaction) -> Transaction:
    return Transaction.objects.get(pk=made.pk)


def told(made: Transaction) -> tuple[str, int | None, str]:
    made.refresh_from_db()
    return made.status, made.error_code, made.error_message


def body(refusal: SdkError) -> Any:
    """What the refusal's answer holds as `data`."""
    response = envelope_errors(refusal, {})
    assert response is not None
    return response.data["data"]


class TestLogIn:
    def test_makes_an_account_and_uses_the_transaction(self, gateway: Gateway, now: datetime) -> None:
        made = enter(make.transaction(gateway=gateway, now=now), now)

        account = Account.objects.get()
        assert (made.status, made.account, made.is_new_user) == ("USED", account, True)
        assert (account.gateway, account.broker, account.client_id) == (gateway, "kite", "happy")

    def test_knows_a_user_who_comes_again(self, gateway: Gateway, now: datetime) -> None:
        first = make.logged_in(gateway=gateway, now=now)

        second = make.logged_in(gateway=gateway, now=now)

        assert (second.account, second.is_new_user) == (first.account, False)

    def test_tells_users_of_two_gateways_apart(self, gateway: Gateway, now: datetime) -> None:
        here = make.logged_in(gateway=gateway, now=now).account
        there = make.logged_in(gateway=make.gateway(), now=now).account

        assert here is not None
        assert there is not None
        assert here.auth_id != there.auth_id

    def test_keeps_the_brokers_session_encrypted(self, gateway: Gateway, now: datetime) -> None:
        made = enter(make.transaction(gateway=gateway, now=now), now, pin="error_otherError")

        assert made.account is not None
        token = BrokerSession.objects.get(account=made.account).encrypted_token
        session = session_of(made.account)
        assert "otherError" not in token
        assert (decrypt(token), forced_error(session)) == (session.token, "otherError")

    def test_twice_changes_nothing(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, now=now)
        before = Transaction.objects.values().get(pk=made.pk)

        enter(fresh(made), now + MINUTE)

        assert Transaction.objects.values().get(pk=made.pk) == before

    def test_to_another_account_than_the_first_is_a_mismatch(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, now=now)

        with pytest.raises(SdkError):
            enter(fresh(made), now, client_id="happy-2")

        assert told(made) == ("ERRORED", 1001, "user_mismatch")

    @pytest.mark.parametrize("user", [{"client_id": "happy-2"}, {"broker": "groww"}])
    def test_of_a_connected_user_to_another_account_is_a_mismatch(
        self, gateway: Gateway, now: datetime, user: Mapping[str, str]
    ) -> None:
        known = make.logged_in(gateway=gateway, now=now).account
        made = make.transaction(gateway=gateway, account=known, now=now)

        with pytest.raises(SdkError) as refusal:
            enter(made, now, **user)

        assert body(refusal.value) == {"code": 1001, "message": "user_mismatch", "broker": "kite"}
        assert told(made) == ("ERRORED", 1001, "user_mismatch")
        assert Account.objects.get() == known

    def test_completes_a_connect(self, gateway: Gateway, now: datetime) -> None:
        made = enter(make.transaction(gateway=gateway, intent=Intent.CONNECT, now=now), now)

        assert (made.status, made.completed_at) == ("COMPLETED", now)

    def test_of_two_to_a_connect_lets_one_through(self, gateway: Gateway, now: datetime) -> None:
        mine = make.transaction(gateway=gateway, intent=Intent.CONNECT, now=now)
        theirs = fresh(mine)
        enter(theirs, now)

        with pytest.raises(TransactionUsed):
            enter(mine, now, client_id="happy-2")

        assert fresh(mine).account == theirs.account

    def test_of_two_accounts_at_once_lets_one_through(self, gateway: Gateway, now: datetime) -> None:
        mine = make.transaction(gateway=gateway, now=now)
        theirs = fresh(mine)
        enter(theirs, now)

        with pytest.raises(TransactionUsed):
            enter(mine, now, client_id="happy-2")

        assert (fresh(mine).status, fresh(mine).account) == ("USED", theirs.account)

    @pytest.mark.parametrize("broker", ["aliceblue", "dhan", "upstox", "hdfc"])
    def test_with_a_limit_order_needs_a_broker_that_takes_them(
        self, gateway: Gateway, now: datetime, broker: str
    ) -> None:
        made = make.transaction(gateway=gateway, securities=LIMIT, now=now)

        with pytest.raises(SdkError):
            enter(made, now, broker=broker)

        assert told(made) == ("ERRORED", 3000, "intent_not_enabled_for_broker")
        assert not Account.objects.exists()

    @pytest.mark.parametrize("broker", ["fivepaisa", "groww", "kite"])
    def test_with_a_limit_order_is_possible_at_other_brokers(
        self, gateway: Gateway, now: datetime, broker: str
    ) -> None:
        made = make.transaction(gateway=gateway, securities=LIMIT, now=now)

        assert enter(made, now, broker=broker).status == "USED"

    def test_at_a_broker_of_no_such_name_changes_nothing(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)

        with pytest.raises(Invalid, match="broker: must be one of aliceblue, "):
            enter(made, now, broker="robinhood")

        assert told(made) == ("INITIALIZED", None, "")

    @pytest.mark.parametrize("user", [{"client_id": "login-fails"}, {"pin": ""}, {"pin": "error_nonsense"}])
    def test_with_a_refused_pin_changes_nothing(self, gateway: Gateway, now: datetime, user: Mapping[str, str]) -> None:
        made = make.transaction(gateway=gateway, now=now)

        with pytest.raises(PinRefused):
            enter(made, now, **user)

        assert told(made) == ("INITIALIZED", None, "")
        assert not Account.objects.exists()

    def test_with_a_refused_pin_may_be_tried_again(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)
        with pytest.raises(PinRefused):
            enter(made, now, client_id="login-fails")

        assert enter(made, now).status == "USED"

    @pytest.mark.parametrize("code", list(SdkCode))
    def test_ends_with_the_code_that_the_pin_forces(self, gateway: Gateway, now: datetime, code: SdkCode) -> None:
        made = make.transaction(gateway=gateway, now=now)

        with pytest.raises(SdkError) as refusal:
            enter(made, now, pin=f"error_{code.value}")

        made.refresh_from_db()
        assert (refusal.value.code, made.status, made.error_code) == (code, "ERRORED", code.value)
        assert not SimAccount.objects.exists()

    def test_with_a_pin_of_no_such_code_changes_nothing(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)

        with pytest.raises(Invalid):
            enter(made, now, pin="error_4711")

        assert told(made) == ("INITIALIZED", None, "")

    def test_after_the_time_has_passed_is_too_late(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)

        with pytest.raises(SdkError):
            enter(made, now + 15 * MINUTE)

        assert told(made) == ("ERRORED", 3001, "transaction_expired")
        assert not Account.objects.exists()

    def test_in_the_last_moment_is_in_time(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)

        assert enter(made, now + 15 * MINUTE - timedelta(microseconds=1)).status == "USED"

    @pytest.mark.parametrize("status", ["PROCESSING", "ACTION_REQUIRED"])
    def test_to_what_was_used_is_refused(self, gateway: Gateway, now: datetime, status: str) -> None:
        made = make.logged_in(gateway=gateway, now=now)
        Transaction.objects.filter(pk=made.pk).update(status=status)

        with pytest.raises(TransactionUsed):
            enter(fresh(made), now)

        assert fresh(made).status == status


class TestConfirm:
    def test_queues_the_basket(self, gateway: Gateway, now: datetime) -> None:
        made = confirm(transaction=make.logged_in(gateway=gateway, now=now), selections=UserSelections(), now=now)

        batch = Batch.objects.get()
        assert (made.status, batch.transaction, batch.account) == ("PROCESSING", made, made.account)
        assert (batch.status, batch.variety, batch.due_at, batch.attempts) == ("QUEUED", "regular", now, 0)
        assert [(o.position, o.ticker, o.side, o.quantity, o.status) for o in make.orders(batch)] == [
            (0, "INFY", "BUY", 10, "QUEUED"),
            (1, "TCS", "SELL", 5, "QUEUED"),
        ]

    def test_carries_prices_and_kinds_of_order_over(self, gateway: Gateway, now: datetime) -> None:
        batch = make.queued_batch(gateway=gateway, securities=LIMIT, now=now)

        (order,) = make.orders(batch)
        assert (order.order_type, order.price, order.trigger_price, order.validity) == (
            "LIMIT",
            Decimal("1100.00"),
            None,
            "DAY",
        )

    def test_lets_one_of_two_rivals_through(self, gateway: Gateway, now: datetime) -> None:
        mine = make.logged_in(gateway=gateway, now=now)
        theirs = fresh(mine)  # both have read "not yet"

        confirm(transaction=theirs, selections=UserSelections(), now=now)
        with pytest.raises(TransactionUsed):
            confirm(transaction=mine, selections=UserSelections(), now=now)

        assert Batch.objects.count() == 1

    def test_before_the_login_is_refused(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)

        with pytest.raises(NotLoggedIn):
            confirm(transaction=made, selections=UserSelections(), now=now)

        assert told(made) == ("INITIALIZED", None, "")
        assert not Batch.objects.exists()

    def test_after_the_time_has_passed_is_too_late(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, now=now)

        with pytest.raises(SdkError):
            confirm(transaction=made, selections=UserSelections(), now=now + 15 * MINUTE)

        assert told(made) == ("ERRORED", 1005, "transaction_expired")
        assert not Batch.objects.exists()

    def test_takes_what_the_user_chose(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, securities=OPEN_QUESTION, now=now)
        chosen = {"INFY": Security("INFY", 3, Side.BUY), "TCS": Security("TCS", 2, Side.SELL)}

        confirm(transaction=made, selections=UserSelections(securities=chosen), now=now)

        assert list(Order.objects.order_by("position").values_list("ticker", "quantity", "side")) == [
            ("INFY", 3, "BUY"),
            ("TCS", 2, "SELL"),
        ]

    @pytest.mark.parametrize(
        ("securities", "chosen", "sentences"),
        [
            (
                OPEN_QUESTION,
                {"INFY": Security("INFY", 3, Side.BUY)},
                ["securities: choose the quantity of TCS.", "securities: choose the side of TCS."],
            ),
            (
                OPEN_QUESTION[:1],
                {"INFY": Security("INFY", 3)},
                ["securities: choose the side of INFY."],
            ),
            (
                make.TWO_WAY,
                {"INFY": Security("INFY", 11, Side.SELL)},
                ["securities: the quantity of INFY is fixed.", "securities: the side of INFY is fixed."],
            ),
            (
                make.TWO_WAY,
                {"WIPRO": Security("WIPRO", 1, Side.BUY)},
                ["securities: WIPRO is not in the basket."],
            ),
        ],
    )
    def test_refuses_a_choice_that_does_not_fit(
        self,
        gateway: Gateway,
        now: datetime,
        securities: tuple[Security, ...],
        chosen: dict[str, Security],
        sentences: list[str],
    ) -> None:
        made = make.logged_in(gateway=gateway, securities=securities, now=now)

        with pytest.raises(Invalid) as refusal:
            confirm(transaction=made, selections=UserSelections(securities=chosen), now=now)

        assert list(refusal.value.sentences) == sentences
        assert told(made) == ("USED", None, "")
        assert not Batch.objects.exists()

    @pytest.mark.parametrize(("client_id", "broker", "amo"), [("happy", "kite", False), ("happy", "fisdom", True)])
    def test_ends_while_the_market_is_closed(
        self, gateway: Gateway, now: datetime, client_id: str, broker: str, amo: bool
    ) -> None:
        Gateway.objects.filter(pk=gateway.pk).update(market_hours="closed")
        made = enter(make.transaction(gateway=Gateway.objects.get(), now=now), now, broker=broker)

        with pytest.raises(SdkError) as refusal:
            confirm(transaction=made, selections=UserSelections(amo=amo), now=now)

        assert body(refusal.value)["broker"] == broker
        assert told(made) == ("ERRORED", 4004, "market_closed")
        assert not Batch.objects.exists()

    @pytest.mark.parametrize(("hours", "variety"), [("closed", "amo"), ("always", "regular")])
    def test_is_an_amo_where_that_is_needed_and_asked_for(
        self, gateway: Gateway, now: datetime, hours: str, variety: str
    ) -> None:
        Gateway.objects.filter(pk=gateway.pk).update(market_hours=hours)
        made = make.logged_in(gateway=Gateway.objects.get(), now=now)

        confirm(transaction=made, selections=UserSelections(amo=True), now=now)

        assert Batch.objects.get().variety == variety

    def test_ends_when_the_holdings_do_not_cover_the_sale(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, client_id="no-holdings", now=now)

        with pytest.raises(SdkError):
            confirm(transaction=made, selections=UserSelections(), now=now)

        assert told(made) == ("ERRORED", 1004, "insufficient_holdings")
        assert not Batch.objects.exists()

    def test_asks_for_no_holdings_to_buy(self, gateway: Gateway, now: datetime) -> None:
        batch = make.queued_batch(gateway=gateway, securities=make.TWO_WAY[:1], client_id="no-holdings", now=now)

        assert batch.status == "QUEUED"


class TestConfirmACancellation:
    @pytest.fixture
    def batch(self, gateway: Gateway, now: datetime) -> Batch:
        made = make.queued_batch(gateway=gateway, securities=LIMIT, now=now)
        Order.objects.filter(batch=made).update(status=OrderStatus.PLACED)
        Batch.objects.filter(pk=made.pk).update(status="PLACED", placed_at=now, due_at=now + MINUTE, attempts=7)
        return Batch.objects.get(pk=made.pk)

    def order_request(self, batch: Batch, now: datetime) -> Transaction:
        target = {"batchId": batch.batch_id, "ticker": "INFY"}
        wanted = TransactionRequest(
            intent=Intent.CANCEL_ORDER, order_config=target, batch_id=batch.batch_id, ticker="INFY"
        )
        return enter(create_transaction(gateway=batch.gateway, account=batch.account, request=wanted, now=now), now)

    def test_marks_the_order_and_requeues_the_batch(self, batch: Batch, now: datetime) -> None:
        made = confirm(transaction=self.order_request(batch, now), selections=UserSelections(), now=now)

        batch.refresh_from_db()
        assert (made.status, make.orders(batch)[0].cancelled_by) == ("PROCESSING", made)
        assert (batch.due_at, batch.attempts) == (now, 8)

    @pytest.mark.parametrize(
        "meanwhile",
        [{"status": "REJECTED"}, {"status": "COMPLETE", "filled_quantity": 1, "average_price": Decimal("1100")}],
    )
    def test_ends_when_the_order_closed_meanwhile(self, batch: Batch, now: datetime, meanwhile: dict[str, Any]) -> None:
        made = self.order_request(batch, now)
        Order.objects.update(**meanwhile)

        with pytest.raises(SdkError):
            confirm(transaction=made, selections=UserSelections(), now=now)

        batch.refresh_from_db()
        assert told(made) == ("ERRORED", 1002, "no_order")
        assert (batch.attempts, batch.due_at, make.orders(batch)[0].cancelled_by) == (7, now + MINUTE, None)

    def test_lets_one_of_two_requests_through(self, batch: Batch, now: datetime) -> None:
        first, second = self.order_request(batch, now), self.order_request(batch, now)
        confirm(transaction=first, selections=UserSelections(), now=now)

        with pytest.raises(SdkError):
            confirm(transaction=second, selections=UserSelections(), now=now)

        assert told(second) == ("ERRORED", 1002, "no_order")
        assert make.orders(batch)[0].cancelled_by == first


class TestWalkAway:
    @pytest.mark.parametrize("code", [1006, 1010, 1011])
    def test_before_the_login_names_nobody(self, gateway: Gateway, now: datetime, code: int) -> None:
        made = make.transaction(gateway=gateway, now=now)

        with pytest.raises(SdkError) as refusal:
            walk_away(transaction=made, code=SdkCode(code), now=now)

        assert body(refusal.value) == {"code": code, "message": made.error_message}
        assert (made.status, made.error_code) == ("ERRORED", code)

    def test_after_the_login_says_who_it_was(self, gateway: Gateway, now: datetime) -> None:
        made = make.logged_in(gateway=gateway, now=now)

        with pytest.raises(SdkError) as refusal:
            walk_away(transaction=made, code=SdkCode.CANCELLED_AFTER_LOGIN, now=now)

        assert set(body(refusal.value)) == {"code", "message", "smallcaseAuthToken", "broker"}
        assert told(made) == ("ERRORED", 1012, "user_cancelled")

    def test_from_what_was_confirmed_changes_nothing(self, gateway: Gateway, now: datetime) -> None:
        made = make.queued_batch(gateway=gateway, now=now).transaction

        with pytest.raises(TransactionUsed):
            walk_away(transaction=made, code=SdkCode.CANCELLED_AFTER_LOGIN, now=now)

        assert told(made) == ("PROCESSING", None, "")

    def test_is_recorded_once(self, gateway: Gateway, now: datetime) -> None:
        made = make.transaction(gateway=gateway, now=now)
        rival = fresh(made)
        with pytest.raises(SdkError):
            walk_away(transaction=rival, code=SdkCode.CANCELLED_AT_CHOOSER, now=now)

        with pytest.raises(TransactionUsed):
            walk_away(transaction=made, code=SdkCode.CANCELLED_BEFORE_LOGIN, now=now)

        (event,) = Event.objects.all()
        assert (event.type, event.subject, event.sequence) == ("transaction.errored", made.transaction_id, 1)
        assert event.payload == {
            "transactionId": made.transaction_id,
            "intent": "TRANSACTION",
            "status": "ERRORED",
            "error": {"value": True, "code": 1010, "message": "user_cancelled"},
            "smallcaseAuthId": None,
            "broker": None,
            "notes": None,
        }
