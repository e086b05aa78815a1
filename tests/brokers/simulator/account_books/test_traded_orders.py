"""The charges of trades add up to those of their orders, and no account goes below zero to pay them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.market.charges import NOTHING, TARIFFS, ChargeClass, ChargedOrder, charges_of
from brokers.market.price_overrides import override_price
from brokers.ports.broker import Broker, NewOrder, OrderType, Side, Validity, Variety
from brokers.simulator.account_books.traded_orders import TradedOrders
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from gateway.models import Gateway
from gateway.values.timestamps import IST
from tests.brokers.market.charges.published_examples import AFTER
from tests.brokers.simulator.conftest import Enter
from tests.brokers.simulator.placing import place_each
from tests.examples import examples

NOON = time(12)
MINUTE = timedelta(minutes=1)
BUY = NewOrder("ref-1", "INFY", Side.BUY, 10, OrderType.MARKET, Variety.REGULAR, Validity.DAY, None, None)
SELL = replace(BUY, ref="ref-2", side=Side.SELL)
SOME = settings(deadline=None, max_examples=examples(25, long=1_000))


def trades(key: int, order: ChargedOrder, parts: Sequence[int]) -> list[SimTrade]:
    """Trades of `parts` shares, each at the order's turnover."""
    at = datetime.combine(order.on, NOON, IST)
    facts = {"order_id": key, "ticker": order.ticker, "side": order.side.value, "price": order.turnover, "at": at}
    return [SimTrade(quantity=part, **facts) for part in parts]


class TestTheChargesOfTrades:
    @SOME
    @given(
        order=st.builds(
            ChargedOrder,
            ticker=st.just("INFY"),
            charge_class=st.sampled_from(ChargeClass),
            side=st.sampled_from(Side),
            turnover=st.integers(1, 10**6).map(lambda paise: Decimal(paise) / 100),  # of one share
            on=st.just(AFTER),
        ),
        broker=st.sampled_from(sorted(TARIFFS)),
        parts=st.lists(st.integers(1, 5_000), min_size=1, max_size=6),
        sold=st.integers(0, 5_000),
    )
    def test_do_not_depend_on_the_split_of_an_order(
        self, *, order: ChargedOrder, broker: str, parts: list[int], sold: int
    ) -> None:
        """Also after another order of the day, a sale of `sold` shares."""
        traded, tariff = TradedOrders({"INFY": order.charge_class}), TARIFFS[broker]
        sale = replace(order, side=Side.SELL)
        booked = [*(trades(1, sale, [sold]) if sold else ()), *trades(2, order, parts)]
        for trade in booked:
            traded.charge(trade, tariff)
            traded.add(trade)

        orders = [replace(sale, turnover=sale.turnover * sold), replace(order, turnover=order.turnover * sum(parts))]
        assert sum(trade.charges for trade in booked) == sum(charges_of(orders, tariff), NOTHING).total
        assert min(trade.charges for trade in booked) >= 0

    def test_are_booked_with_each_fill(self, enter: Enter, broker: Broker, now: datetime) -> None:
        """A flat brokerage of ₹20 is paid by the first of five fills."""
        login = enter("slow", key="upstox")
        place_each(broker, login, [BUY], now=now)
        for seconds in range(0, 61, 12):
            broker.order_book(login, ["ref-1"], now=now + timedelta(seconds=seconds + 1))

        filled = list(SimTrade.objects.order_by("number"))
        turnover = sum((one.price * one.quantity for one in filled), Decimal(0))
        bought = ChargedOrder("INFY", ChargeClass.SHARE, Side.BUY, turnover, filled[0].at.astimezone(IST).date())
        assert [one.quantity for one in filled] == [2] * 5
        assert sum(one.charges for one in filled) == charges_of([bought], TARIFFS["upstox"])[0].total
        assert filled[0].charges > 20 > filled[1].charges

    def test_include_the_dp_charge_once_a_scrip_and_day(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal(1_000), now=now)
        login = enter()
        for ref in ("ref-1", "ref-2"):
            place_each(broker, login, [replace(SELL, ref=ref)], now=now)
            broker.order_book(login, [ref], now=now + MINUTE)

        first, second = SimTrade.objects.order_by("pk")
        assert first.charges - second.charges == Decimal("15.34")


class TestFunds:
    def test_pay_a_flat_brokerage_in_steps_though_they_cover_the_order_exactly(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal(1_000), now=now)
        login = enter("slow", key="upstox")
        bought = ChargedOrder("INFY", ChargeClass.SHARE, Side.BUY, Decimal(10_000), now.astimezone(IST).date())
        SimAccount.objects.update(opening_funds=10_000 + charges_of([bought], TARIFFS["upstox"])[0].total)
        place_each(broker, login, [BUY], now=now)

        (report,) = broker.order_book(login, ["ref-1"], now=now + 2 * MINUTE)

        assert report.filled_quantity == 10
        assert broker.funds(login, now=now + 2 * MINUTE) == 0

    def test_refuse_a_sale_whose_charges_they_cannot_pay(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal(10), now=now)
        login = enter()
        SimAccount.objects.update(opening_funds=Decimal("5.33"))
        place_each(broker, login, [replace(SELL, quantity=1)], now=now)

        (report,) = broker.order_book(login, ["ref-2"], now=now + MINUTE)

        assert (report.filled_quantity, report.error_code) == (0, "marginsExceeded")

    def test_pay_a_sale_that_costs_more_than_it_brings(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        """It brings ₹10 and costs 15.34."""
        override_price(gateway=gateway, ticker="INFY", price=Decimal(10), now=now)
        login = enter()
        SimAccount.objects.update(opening_funds=Decimal("5.34"))
        place_each(broker, login, [replace(SELL, quantity=1)], now=now)
        broker.order_book(login, ["ref-2"], now=now + MINUTE)

        assert broker.funds(login, now=now + MINUTE) == 0
        assert SimOrder.objects.get().status == "COMPLETE"
