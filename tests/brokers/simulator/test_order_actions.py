"""A tester's hand at the broker's side, on an order that rests far below the market."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from brokers.market.price_overrides import override_price
from brokers.ports.broker import Broker, LiveSession, NewOrder, OrderType, Side, Validity, Variety
from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from brokers.simulator.order_actions import ActionKind, AlreadySettled, NotCovered, OrderAction, act_on_order
from gateway.models import Gateway
from gateway.values.errors import Invalid, NotFound
from tests.brokers.simulator.conftest import Enter
from tests.brokers.simulator.placing import place_each
from tests.make import FREE

MINUTE = timedelta(minutes=1)
RESTING = NewOrder(
    "ref-1",
    "INFY",
    Side.BUY,
    10,
    OrderType.LIMIT,
    Variety.REGULAR,
    Validity.DAY,
    Decimal("1000.00"),
    None,
)


@pytest.fixture
def login(enter: Enter, broker: Broker, now: datetime) -> LiveSession:
    made = enter()
    place_each(broker, made, [RESTING], now=now)
    broker.order_book(made, ["ref-1"], now=now + MINUTE)
    return made


def act(action: OrderAction, now: datetime) -> SimOrder:
    act_on_order(ref="ref-1", action=action, tariff=FREE, now=now)
    return SimOrder.objects.get(ref="ref-1")


def heard(broker: Broker, login: LiveSession, at: datetime) -> list[tuple[str, int]]:
    return [(r.status.value, r.filled_quantity) for r in broker.order_book(login, ["ref-1"], now=at)]


class TestPlay:
    @pytest.mark.parametrize(
        ("action", "status", "filled", "code"),
        [
            (OrderAction(ActionKind.FILL), "COMPLETE", 10, ""),
            (OrderAction(ActionKind.FILL, quantity=10), "COMPLETE", 10, ""),
            (OrderAction(ActionKind.FILL, quantity=3), "CANCELLED", 3, "orderUnmatched"),
            (OrderAction(ActionKind.PARTIAL), "CANCELLED", 5, "orderUnmatched"),
            (OrderAction(ActionKind.PARTIAL, quantity=9), "CANCELLED", 9, "orderUnmatched"),
            (OrderAction(ActionKind.REJECT), "REJECTED", 0, "otherError"),
            (OrderAction(ActionKind.REJECT, error_code="checkHoldings"), "REJECTED", 0, "checkHoldings"),
            (OrderAction(ActionKind.CANCEL), "CANCELLED", 0, "orderUnmatched"),
            (OrderAction(ActionKind.CANCEL, error_code="otherError"), "CANCELLED", 0, "otherError"),
            (OrderAction(ActionKind.HANG), "OPEN", 0, ""),
            (OrderAction(ActionKind.LATE_FILL), "COMPLETE", 10, ""),
        ],
    )
    def test_makes_of_the_order_what_was_wished(
        self, *, login: LiveSession, now: datetime, action: OrderAction, status: str, filled: int, code: str
    ) -> None:
        order = act(action, now + MINUTE)

        assert (order.status, order.filled_quantity, order.error_code) == (status, filled, code)
        assert order.reported_at == now + MINUTE

    def test_fills_at_the_price_that_was_given(self, login: LiveSession, now: datetime) -> None:
        order = act(OrderAction(ActionKind.FILL, price=Decimal("989.50")), now)

        trade = SimTrade.objects.get()
        assert (order.average_price, trade.price, trade.quantity, trade.at) == (
            Decimal("989.50"),
            Decimal("989.50"),
            10,
            now,
        )

    @pytest.mark.parametrize(("market", "filled_at"), [("980.00", "980.00"), ("1100.00", "1000.00")])
    def test_fills_at_the_market_where_none_was_but_never_beyond_the_limit(
        self, *, gateway: Gateway, login: LiveSession, now: datetime, market: str, filled_at: str
    ) -> None:
        override_price(gateway=gateway, ticker="INFY", price=Decimal(market), now=now)

        act(OrderAction(ActionKind.FILL), now + MINUTE)

        assert SimTrade.objects.get().price == Decimal(filled_at)

    def test_refuses_a_price_beyond_the_limit(self, login: LiveSession, now: datetime) -> None:
        with pytest.raises(Invalid, match="this order's limit is 1000"):
            act(OrderAction(ActionKind.FILL, price=Decimal("1000.10")), now)

    def test_late_fill_is_heard_ten_minutes_later(self, login: LiveSession, broker: Broker, now: datetime) -> None:
        act(OrderAction(ActionKind.LATE_FILL), now)

        assert [heard(broker, login, now + minutes * MINUTE) for minutes in (1, 9.99, 10)] == [
            [],
            [],
            [("COMPLETE", 10)],
        ]

    def test_hang_silences_for_good_and_fills_nothing(self, login: LiveSession, broker: Broker, now: datetime) -> None:
        act(OrderAction(ActionKind.HANG), now)

        assert heard(broker, login, now + timedelta(days=365)) == []
        assert SimOrder.objects.get().status == "OPEN"

    @pytest.mark.parametrize(
        ("action", "after"),
        [
            (OrderAction(ActionKind.FILL), ("COMPLETE", 10)),
            (OrderAction(ActionKind.REJECT), ("REJECTED", 0)),
            (OrderAction(ActionKind.CANCEL), ("CANCELLED", 0)),
        ],
    )
    def test_ends_the_silence_of_one_that_hung(
        self, login: LiveSession, broker: Broker, now: datetime, action: OrderAction, after: tuple[str, int]
    ) -> None:
        act(OrderAction(ActionKind.HANG), now)
        act(action, now)

        assert heard(broker, login, now + MINUTE) == [after]

    def test_lets_what_had_filled_unheard_be_heard(self, login: LiveSession, broker: Broker, now: datetime) -> None:
        act(OrderAction(ActionKind.LATE_FILL), now)
        act(OrderAction(ActionKind.FILL), now)

        assert heard(broker, login, now + MINUTE) == [("COMPLETE", 10)]
        assert SimTrade.objects.count() == 1

    @pytest.mark.parametrize("settled", [ActionKind.FILL, ActionKind.PARTIAL, ActionKind.REJECT, ActionKind.CANCEL])
    @pytest.mark.parametrize("second", [ActionKind.PARTIAL, ActionKind.REJECT, ActionKind.CANCEL, ActionKind.LATE_FILL])
    def test_does_not_change_what_is_settled(
        self, login: LiveSession, now: datetime, settled: ActionKind, second: ActionKind
    ) -> None:
        act(OrderAction(settled), now)
        before = SimOrder.objects.values().get()
        trades = SimTrade.objects.count()

        with pytest.raises(AlreadySettled):
            act(OrderAction(second), now + MINUTE)

        assert (SimOrder.objects.values().get(), SimTrade.objects.count()) == (before, trades)

    @pytest.mark.parametrize(
        "action",
        [
            OrderAction(ActionKind.FILL, quantity=11),
            OrderAction(ActionKind.PARTIAL, quantity=10),
            OrderAction(ActionKind.PARTIAL, quantity=11),
        ],
    )
    def test_refuses_more_than_is_open(self, login: LiveSession, now: datetime, action: OrderAction) -> None:
        before = SimOrder.objects.values().get()

        with pytest.raises(Invalid, match="this order has 10 open shares"):
            act(action, now)

        assert (SimOrder.objects.values().get(), SimTrade.objects.count()) == (before, 0)

    @pytest.mark.parametrize(("funds", "covers"), [(10_020, True), (10_000, False)])
    def test_refuses_what_the_account_cannot_pay(
        self, *, login: LiveSession, now: datetime, funds: int, covers: bool
    ) -> None:
        """10 shares at the limit of 1,000, and charges."""
        SimAccount.objects.update(opening_funds=Decimal(funds))

        if covers:
            assert act(OrderAction(ActionKind.FILL), now).status == "COMPLETE"
        else:
            with pytest.raises(NotCovered):
                act(OrderAction(ActionKind.FILL), now)
            assert (SimOrder.objects.get().status, SimTrade.objects.count()) == ("OPEN", 0)

    def test_refuses_a_sale_that_another_order_has_made(self, enter: Enter, broker: Broker, now: datetime) -> None:
        """Before either has come to its risk check."""
        login = enter("no-holdings")
        buy = replace(RESTING, ref="ref-0", order_type=OrderType.MARKET, price=None)
        sales = [replace(buy, ref=ref, side=Side.SELL) for ref in ("ref-1", "ref-2")]
        place_each(broker, login, [buy, *sales], now=now)
        broker.order_book(login, ["ref-0"], now=now + MINUTE)
        act(OrderAction(ActionKind.FILL), now + MINUTE)

        with pytest.raises(NotCovered):
            act_on_order(ref="ref-2", action=OrderAction(ActionKind.FILL), tariff=FREE, now=now + MINUTE)

    def test_finds_no_order_that_never_arrived(self, login: LiveSession, now: datetime) -> None:
        with pytest.raises(NotFound):
            act_on_order(ref="ref-9", action=OrderAction(ActionKind.FILL), tariff=FREE, now=now)


class TestPlayOnOneThatFilledInPart:
    @pytest.fixture(autouse=True)
    def partly(self, enter: Enter, broker: Broker, now: datetime) -> None:
        """4 of 10 have filled."""
        slow = enter("slow")
        market = NewOrder("ref-1", "INFY", Side.BUY, 10, OrderType.MARKET, Variety.REGULAR, Validity.DAY, None, None)
        place_each(broker, slow, [market], now=now)
        broker.order_book(slow, ["ref-1"], now=now + timedelta(seconds=30))

    def test_cannot_reject_it(self, now: datetime) -> None:
        with pytest.raises(AlreadySettled, match="cannot be rejected; cancel it instead"):
            act(OrderAction(ActionKind.REJECT), now + MINUTE)

        assert SimOrder.objects.get().status == "OPEN"

    @pytest.mark.parametrize(
        ("action", "status", "filled"),
        [(ActionKind.CANCEL, "CANCELLED", 4), (ActionKind.FILL, "COMPLETE", 10), (ActionKind.PARTIAL, "CANCELLED", 7)],
    )
    def test_counts_from_there(self, now: datetime, action: ActionKind, status: str, filled: int) -> None:
        order = act(OrderAction(action), now + timedelta(seconds=31))

        assert (order.status, order.filled_quantity) == (status, filled)

    def test_numbers_the_next_trade(self, now: datetime) -> None:
        act(OrderAction(ActionKind.FILL), now + timedelta(seconds=31))

        assert list(SimTrade.objects.order_by("number").values_list("number", "quantity")) == [(1, 2), (2, 2), (3, 6)]
