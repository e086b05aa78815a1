"""The charges of orders, which share the contract note of a day with others of the account."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from brokers.market import price_overrides
from brokers.ports.broker import Side
from brokers.simulator.models import SimTrade
from gateway.models import Gateway
from gateway.values.timestamps import IST
from tests import make
from transactions.api import payloads
from transactions.domain.basket import Security
from transactions.models import Batch, Order
from transactions.queries.order_charges import charges_of_orders, read_charges, total_of
from webhooks.models import Event

SALE = (Security("INFY", 1, Side.SELL),)


@pytest.fixture
def gateway(gateway: Gateway, now: datetime) -> Gateway:
    """INFY costs ₹400, so that a share's STT is 40 paise; TCS ₹100."""
    for ticker, price in (("INFY", 400), ("TCS", 100)):
        price_overrides.override_price(gateway=gateway, ticker=ticker, price=Decimal(price), now=now)
    return gateway


def sold(gateway: Gateway, now: datetime, *, securities: Sequence[Security] = SALE, client_id: str = "happy") -> Batch:
    batch = make.placed(make.queued_batch(gateway=gateway, securities=securities, client_id=client_id, now=now))
    make.later(gateway, minutes=2)
    return make.followed_up(batch)


def charged(*batches: Batch) -> list[tuple[str, str]]:
    """STT and DP charge of each order."""
    orders = list(Order.objects.filter(batch__in=batches).order_by("pk"))
    read_charges(orders)
    return [(str(order.charges.stt), str(order.charges.dp)) for order in orders if order.charges]


class TestTheChargesOfAnOrder:
    def test_are_unknown_until_something_filled(
        self, gateway: Gateway, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        (order,) = make.orders(make.queued_batch(gateway=gateway, securities=SALE, now=now))

        with django_assert_num_queries(0):
            read_charges([order])

        assert order.charges is None

    def test_share_stt_and_dp_with_the_days_other_orders(self, gateway: Gateway, now: datetime) -> None:
        """The STT of three sales is ₹1.20, of which the second carries the rupee; the first carries the DP charge."""
        batches = [sold(gateway, now) for _ in range(3)]

        assert charged(*batches) == [("0.00", "15.34"), ("1.00", "0.00"), ("0.00", "0.00")]
        assert charged(batches[1]) == [("1.00", "0.00")]

    def test_share_nothing_with_another_day_scrip_or_account(self, gateway: Gateway, now: datetime) -> None:
        today = sold(gateway, now)
        Order.objects.update(traded_on=date(2026, 3, 2))
        others = [
            sold(gateway, now),
            sold(gateway, now, securities=(Security("TCS", 1, Side.SELL),)),
            sold(gateway, now, client_id="happy-2"),
        ]

        assert charged(today, *others) == [("0.00", "15.34")] * 4

    def test_add_up_to_what_the_broker_debited(self, gateway: Gateway, now: datetime) -> None:
        basket = (Security("INFY", 7, Side.SELL), Security("TCS", 31, Side.BUY), Security("INFY", 3, Side.BUY))
        batches = [sold(gateway, now, securities=basket, client_id="slow") for _ in range(2)]

        charged = charges_of_orders(order for batch in batches for order in make.orders(batch))
        assert len(charged) == 6
        assert total_of(charged).total == sum(SimTrade.objects.values_list("charges", flat=True), Decimal(0))

    def test_are_in_the_event_of_the_fill(self, gateway: Gateway, now: datetime) -> None:
        sold(gateway, now)
        second = sold(gateway, now)

        told = Event.objects.filter(subject=second.batch_id).latest("sequence").payload["orders"][0]["charges"]
        assert told == {
            "brokerage": 0, "stt": 1, "exchange": 0.01, "sebi": 0, "stamp": 0, "gst": 0, "dp": 0, "total": 1.01
        }  # fmt: skip
        assert payloads.batch(second, make.orders(second), second.transaction)["orders"][0]["charges"] == told

    def test_of_many_batches_are_read_with_one_statement(
        self, gateway: Gateway, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        orders = [
            order
            for client in ("happy", "happy-2")
            for _ in range(2)
            for order in make.orders(sold(gateway, now, client_id=client))
        ]

        with django_assert_num_queries(1):
            read_charges(orders)

    def test_count_what_an_order_says_and_not_its_row(self, gateway: Gateway, now: datetime) -> None:
        """An event is drafted before the order's row is written."""
        (order,) = make.orders(make.queued_batch(gateway=gateway, securities=SALE, now=now))
        order.filled_quantity, order.average_price, order.ordered_at = 1, Decimal(400), now

        read_charges([order])

        assert order.charges is not None
        assert order.charges.dp == Decimal("15.34")


class TestTheTradingDay:
    def test_is_that_of_the_first_fill(self, gateway: Gateway, now: datetime) -> None:
        (order,) = make.orders(sold(gateway, now))

        assert order.traded_on == now.astimezone(IST).date()

    def test_of_an_after_market_order_is_the_next_day_of_trading(self, gateway: Gateway, now: datetime) -> None:
        (order,) = make.orders(sold(gateway, now))
        Order.objects.update(traded_on=(now + timedelta(days=3)).date())

        (charged,) = charges_of_orders(Order.objects.filter(pk=order.pk))
        assert charged.share.on == (now + timedelta(days=3)).date()

    def test_of_an_older_releases_order_is_the_day_it_was_placed(self, gateway: Gateway, now: datetime) -> None:
        (order,) = make.orders(sold(gateway, now))
        Order.objects.update(traded_on=None)

        (charged,) = charges_of_orders(Order.objects.filter(pk=order.pk))
        assert charged.share.on == now.astimezone(IST).date()
