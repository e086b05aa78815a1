"""A transaction is created, or refused with every reason at once; a refusal writes nothing."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from brokers.models import Instrument
from brokers.ports.broker import OrderType, Side
from gateway.models import Gateway
from gateway.values.errors import ConnectedUserRequired, Invalid, NotFound
from tests import make
from transactions.domain.basket import Security
from transactions.domain.intents import Intent
from transactions.domain.statuses import OrderStatus
from transactions.lifecycle.create import TransactionRequest, create_transaction
from transactions.lifecycle.eligibility import NoOrder
from transactions.models import Batch, Order, Transaction

UNKNOWN = "orderConfig.securities[0].ticker: is not a known NSE symbol."
UNTRADABLE = "orderConfig.securities[0].ticker: cannot be traded now."
OFF_TICK = "orderConfig.securities[0].price: must be a multiple of the tick size, 0.10."
OFF_TICK_TRIGGER = "orderConfig.securities[0].triggerPrice: must be a multiple of the tick size, 0.10."

BUYS_BELOW = "orderConfig.securities[0].price: of a buy must be at the triggerPrice, 1200, or above it."
SELLS_ABOVE = "orderConfig.securities[0].price: of a sale must be at the triggerPrice, 1200, or below it."


def stop(side: Side, *, price: str) -> Security:
    return Security("INFY", 1, side, OrderType.SL, price=Decimal(price), trigger_price=Decimal(1200))


def cancellation(batch: Batch, ticker: str = "INFY") -> TransactionRequest:
    target = {"batchId": batch.batch_id, "ticker": ticker}
    return TransactionRequest(intent=Intent.CANCEL_ORDER, order_config=target, batch_id=batch.batch_id, ticker=ticker)


class TestABasket:
    @pytest.mark.parametrize(("intent", "minutes"), [(Intent.TRANSACTION, 15), (Intent.CONNECT, 5)])
    def test_is_written_with_its_lifetime(self, gateway: Gateway, now: datetime, intent: Intent, minutes: int) -> None:
        made = make.transaction(gateway=gateway, intent=intent, now=now)

        made.refresh_from_db()
        assert (made.status, made.intent, made.expires_at) == (
            "INITIALIZED",
            intent.value,
            now + timedelta(minutes=minutes),
        )

    def test_keeps_what_was_given_as_it_was_given(self, gateway: Gateway, now: datetime) -> None:
        wanted = TransactionRequest(
            intent=Intent.TRANSACTION,
            securities=[Security("INFY", 10, Side.BUY)],
            order_config={"type": "SECURITIES", "securities": [{"ticker": "INFY", "quantity": 10, "type": "BUY"}]},
            config={"orderName": "Smart Basket"},
            notes="order 4711",
        )

        made = create_transaction(gateway=gateway, account=None, request=wanted, now=now)

        made.refresh_from_db()
        assert (made.order_config, made.config, made.notes) == (wanted.order_config, wanted.config, "order 4711")

    @pytest.mark.parametrize(
        ("priced", "statements"), [({}, 1), ({"order_type": OrderType.LIMIT, "price": Decimal(1500)}, 2)]
    )
    def test_looks_for_its_instruments_once_and_for_its_prices_before_it_is_written(
        self,
        gateway: Gateway,
        now: datetime,
        django_assert_num_queries: DjangoAssertNumQueries,
        priced: dict[str, Any],
        statements: int,
    ) -> None:
        tickers = Instrument.objects.values_list("symbol", flat=True)[:100]
        basket = [Security(ticker, 1, side, **priced) for ticker in tickers for side in (Side.BUY, Side.SELL)]

        with django_assert_num_queries(statements):
            made = make.transaction(gateway=gateway, securities=basket, now=now)

        assert Transaction.objects.get() == made

    @pytest.mark.parametrize(
        ("security", "sentence"),
        [
            (Security("NOSUCH", 1, Side.BUY), UNKNOWN),
            (Security("infy", 1, Side.BUY), UNKNOWN),
            (Security("TCS", 1, Side.BUY), UNTRADABLE),
            (Security("INFY", 1, Side.BUY, OrderType.LIMIT, price=Decimal("1180.05")), OFF_TICK),
            (Security("INFY", 1, Side.BUY, OrderType.SLM, trigger_price=Decimal("1180.01")), OFF_TICK_TRIGGER),
            (stop(Side.BUY, price="1199.90"), BUYS_BELOW),
            (stop(Side.SELL, price="1200.10"), SELLS_ABOVE),
        ],
    )
    def test_is_refused_without_a_trace(
        self, gateway: Gateway, now: datetime, security: Security, sentence: str
    ) -> None:
        Instrument.objects.filter(symbol="TCS").update(tradable=False)

        with pytest.raises(Invalid) as refusal:
            make.transaction(gateway=gateway, securities=[security], now=now)

        assert refusal.value.sentences == (sentence,)
        assert not Transaction.objects.exists()

    def test_is_refused_with_every_reason_at_once(self, gateway: Gateway, now: datetime) -> None:
        price = Decimal("1.11")
        wrong = Security("INFY", 1, Side.BUY, OrderType.SL, price=price, trigger_price=price)

        with pytest.raises(Invalid) as refusal:
            make.transaction(gateway=gateway, securities=[Security("NOSUCH"), wrong], now=now)

        assert [sentence.split(":")[0] for sentence in refusal.value.sentences] == [
            "orderConfig.securities[0].ticker",
            "orderConfig.securities[1].price",
            "orderConfig.securities[1].triggerPrice",
        ]


class TestACancellation:
    @pytest.fixture
    def batch(self, gateway: Gateway, now: datetime) -> Batch:
        """INFY is open, TCS has filled."""
        made = make.queued_batch(gateway=gateway, now=now)
        Order.objects.filter(batch=made, ticker="INFY").update(status=OrderStatus.PLACED)
        Order.objects.filter(batch=made, ticker="TCS").update(
            status=OrderStatus.COMPLETE, filled_quantity=5, average_price=Decimal("2473.70")
        )
        return made

    def test_of_an_open_order_is_written(self, gateway: Gateway, batch: Batch, now: datetime) -> None:
        made = create_transaction(gateway=gateway, account=batch.account, request=cancellation(batch), now=now)

        assert (made.intent, made.account, made.order_config) == (
            "CANCEL_ORDER",
            batch.account,
            {"batchId": batch.batch_id, "ticker": "INFY"},
        )

    @pytest.mark.parametrize(
        ("ticker", "refusal"), [("TCS", NoOrder), ("RELIANCE", NotFound), ("infy", NotFound), ("", NotFound)]
    )
    def test_of_no_open_order_is_refused(
        self, gateway: Gateway, batch: Batch, now: datetime, ticker: str, refusal: type[Exception]
    ) -> None:
        with pytest.raises(refusal):
            create_transaction(gateway=gateway, account=batch.account, request=cancellation(batch, ticker), now=now)

        assert Transaction.objects.count() == 1

    def test_by_a_guest_is_refused(self, gateway: Gateway, batch: Batch, now: datetime) -> None:
        with pytest.raises(ConnectedUserRequired):
            create_transaction(gateway=gateway, account=None, request=cancellation(batch), now=now)

        assert Transaction.objects.count() == 1

    def test_by_another_user_finds_nothing(self, gateway: Gateway, batch: Batch, now: datetime) -> None:
        stranger = make.logged_in(gateway=gateway, client_id="happy-2", now=now).account

        with pytest.raises(NotFound):
            create_transaction(gateway=gateway, account=stranger, request=cancellation(batch), now=now)

        assert not Transaction.objects.filter(intent="CANCEL_ORDER").exists()

    def test_through_another_gateway_finds_nothing(self, gateway: Gateway, batch: Batch, now: datetime) -> None:
        with pytest.raises(NotFound):
            create_transaction(gateway=make.gateway(), account=batch.account, request=cancellation(batch), now=now)

        assert not Transaction.objects.filter(intent="CANCEL_ORDER").exists()
