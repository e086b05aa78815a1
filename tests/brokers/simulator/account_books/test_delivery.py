"""Bought today is a position, on the next trading day T1, then a holding; trade-to-trade shares wait to be sold.

The market keeps NSE's hours. 20 November 2026 is a Friday, and the Tuesday after is a holiday.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.market.price_overrides import override_price
from brokers.models import Instrument
from brokers.ports.broker import Broker, LiveSession, NewOrder, OrderType, Side, Validity, Variety
from brokers.simulator.account_books.books import sellable
from brokers.simulator.models import SimAccount
from brokers.simulator.order_actions import ActionKind, NotCovered, OrderAction, act_on_order
from gateway.models import Gateway
from tests.brokers.simulator.conftest import Enter
from tests.brokers.simulator.placing import place_each
from tests.make import FREE

SECOND = timedelta(seconds=1)
BUY = NewOrder("buy", "INFY", Side.BUY, 10, OrderType.MARKET, Variety.REGULAR, Validity.DAY, None, None)
SALE = replace(BUY, ref="sale", side=Side.SELL)


def at(day: int, hour: int = 6) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.fixture(autouse=True)
def market(gateway: Gateway, instruments: None) -> None:
    Gateway.objects.filter(pk=gateway.pk).update(market_hours="nse")
    override_price(gateway=gateway, ticker="INFY", price=Decimal(1_000), now=at(19))


@pytest.fixture
def login(enter: Enter) -> LiveSession:
    """An account without lent shares."""
    return enter("no-holdings")


def traded(broker: Broker, login: LiveSession, order: NewOrder, now: datetime) -> str:
    place_each(broker, login, [order], now=now)
    (report,) = broker.order_book(login, [order.ref], now=now + SECOND)
    return report.error_code or report.status.value


class TestWhatWasBought:
    @pytest.mark.parametrize(
        ("day", "hour", "today", "t1"),
        [(20, 6, 10, 0), (20, 18, 10, 0), (21, 6, 0, 10), (23, 6, 0, 10), (24, 6, 0, 10), (25, 6, 0, 0), (30, 6, 0, 0)],
    )
    def test_is_a_position_then_t1_then_a_holding(
        self, *, broker: Broker, login: LiveSession, day: int, hour: int, today: int, t1: int
    ) -> None:
        traded(broker, login, BUY, at(20))

        (held,) = broker.holdings(login, now=at(day, hour))

        assert (held.quantity, held.today, held.t1, held.locked) == (10, today, t1, 0)
        assert held.today_price == (Decimal(1_000) if today else None)

    def test_is_left_when_older_shares_are_sold(self, gateway: Gateway, broker: Broker, login: LiveSession) -> None:
        traded(broker, login, BUY, at(19))
        override_price(gateway=gateway, ticker="INFY", price=Decimal(1_100), now=at(20))
        traded(broker, login, replace(BUY, ref="more", quantity=4), at(20))
        traded(broker, login, replace(SALE, quantity=9), at(20, 7))

        (held,) = broker.holdings(login, now=at(20, 8))

        assert (held.quantity, held.today, held.today_price, held.t1) == (5, 4, Decimal(1_100), 1)

    def test_is_never_more_than_is_held(self, broker: Broker, login: LiveSession) -> None:
        traded(broker, login, BUY, at(20))
        traded(broker, login, replace(SALE, quantity=9), at(20, 7))

        (held,) = broker.holdings(login, now=at(20, 8))

        assert (held.quantity, held.today, held.t1) == (1, 1, 0)

    def test_may_be_sold_at_once(self, broker: Broker, login: LiveSession) -> None:
        traded(broker, login, BUY, at(20))

        assert traded(broker, login, SALE, at(20, 7)) == "COMPLETE"


class TestTradeToTradeShares:
    @pytest.fixture(autouse=True)
    def series(self, market: None) -> None:
        Instrument.objects.filter(symbol="INFY").update(series="BE")

    @pytest.mark.parametrize(
        ("day", "outcome"), [(20, "checkHoldings"), (23, "checkHoldings"), (25, "COMPLETE"), (26, "COMPLETE")]
    )
    def test_cannot_be_sold_before_they_arrive(
        self, broker: Broker, login: LiveSession, day: int, outcome: str
    ) -> None:
        traded(broker, login, BUY, at(20))

        assert traded(broker, login, SALE, at(day, 7)) == outcome

    @pytest.mark.parametrize(("quantity", "outcome"), [(10, "COMPLETE"), (11, "checkHoldings")])
    def test_that_have_arrived_can(self, broker: Broker, login: LiveSession, quantity: int, outcome: str) -> None:
        traded(broker, login, BUY, at(18))
        traded(broker, login, replace(BUY, ref="more"), at(20))

        assert traded(broker, login, replace(SALE, quantity=quantity), at(20, 7)) == outcome

    def test_are_not_at_hand(self, broker: Broker, login: LiveSession) -> None:
        traded(broker, login, BUY, at(18))
        traded(broker, login, replace(BUY, ref="more", quantity=3), at(20))

        assert [one.quantity for one in broker.holdings(login, now=at(20, 7), tickers=["INFY"])] == [10]
        assert [(one.quantity, one.locked) for one in broker.holdings(login, now=at(20, 7))] == [(13, 3)]

    def test_are_lent_as_all_are(self, broker: Broker, login: LiveSession) -> None:
        traded(broker, login, BUY, at(20))
        SimAccount.objects.update(lent_shares=7)
        account = SimAccount.objects.select_related("gateway").get()

        assert [one.quantity for one in sellable(account, ["INFY"], at(20, 7))] == [7]

    def test_are_not_sold_by_a_tester_either(self, broker: Broker, login: LiveSession) -> None:
        traded(broker, login, BUY, at(20))
        place_each(broker, login, [SALE], now=at(20, 7))

        with pytest.raises(NotCovered, match="cannot be sold before they arrive"):
            act_on_order(ref="sale", action=OrderAction(ActionKind.FILL), tariff=FREE, now=at(20, 7))
