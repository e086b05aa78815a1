"""The fill model. The prices of the tables are given by the minute; the properties use the seeded path."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.market.prices import price_at
from brokers.ports.broker import BrokerStatus, OrderType, Side, Validity
from brokers.simulator.fills import FillProgress, MatchedFill, PriceAt, Working, progress, refused_at_entry
from brokers.simulator.personas import FillBehaviour

AT = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPEN, COMPLETE, CANCELLED = BrokerStatus.OPEN, BrokerStatus.COMPLETE, BrokerStatus.CANCELLED
MARKET = Working(
    side=Side.BUY,
    quantity=10,
    order_type=OrderType.MARKET,
    validity=Validity.DAY,
    price=None,
    trigger_price=None,
    fill_behaviour=FillBehaviour.FILL,
    fill_error_code="",
    arrived_at=AT,
    lapses_at=AT + 60 * MINUTE,
)
LIMIT = replace(MARKET, order_type=OrderType.LIMIT, price=Decimal(100))


def path(*prices: int) -> PriceAt:
    """The n-th price holds from the n-th minute on, the last for good."""
    return lambda at: Decimal(prices[min(int((at - AT) / MINUTE), len(prices) - 1)])


def seeded(at: datetime) -> Decimal:
    return price_at(reference=Decimal("1180.00"), tick=Decimal("0.10"), seed="s", ticker="INFY", at=at)


def after(minutes: float, order: Working, prices: PriceAt) -> FillProgress:
    return progress(order, prices, AT + minutes * MINUTE)


class TestAMarketOrder:
    def test_fills_at_once_at_the_price_of_its_arrival(self) -> None:
        assert after(9, MARKET, path(100, 101)) == FillProgress(
            COMPLETE, (MatchedFill(10, Decimal(100), AT),), triggered=True, price_checked_at=AT
        )

    @pytest.mark.parametrize(
        ("quantity", "filled", "status", "code"),
        [(1, 1, COMPLETE, ""), (2, 1, CANCELLED, "orderUnmatched"), (11, 5, CANCELLED, "orderUnmatched")],
    )
    def test_fills_half_rounded_down_but_a_single_share_whole(
        self, quantity: int, filled: int, status: BrokerStatus, code: str
    ) -> None:
        came = after(0, replace(MARKET, quantity=quantity, fill_behaviour=FillBehaviour.HALF), path(100))

        assert (came.status, [fill.quantity for fill in came.fills], came.error_code) == (status, [filled], code)

    @pytest.mark.parametrize(
        ("seconds", "fills", "status"),
        [
            (0, [], OPEN),
            (11.999, [], OPEN),
            (12, [2], OPEN),
            (24, [2, 2], OPEN),
            (59.999, [2, 2, 2, 2], OPEN),
            (60, [2, 2, 2, 2, 2], COMPLETE),
            (9_999, [2, 2, 2, 2, 2], COMPLETE),
        ],
    )
    def test_fills_in_five_steps_over_a_minute(self, seconds: float, fills: list[int], status: BrokerStatus) -> None:
        came = after(seconds / 60, replace(MARKET, fill_behaviour=FillBehaviour.STEPS), path(100))

        assert ([fill.quantity for fill in came.fills], came.status) == (fills, status)

    @pytest.mark.parametrize(("quantity", "fills"), [(1, [1]), (3, [1, 1, 1]), (7, [1, 1, 2, 1, 2])])
    def test_fills_whole_shares_only(self, quantity: int, fills: list[int]) -> None:
        came = after(1, replace(MARKET, quantity=quantity, fill_behaviour=FillBehaviour.STEPS), path(100))

        assert [fill.quantity for fill in came.fills] == fills

    @pytest.mark.parametrize(
        ("fill_behaviour", "status"),
        [(FillBehaviour.REJECT, BrokerStatus.REJECTED), (FillBehaviour.CANCEL, CANCELLED), (FillBehaviour.HOLD, OPEN)],
    )
    def test_meets_its_fate_unfilled(self, fill_behaviour: FillBehaviour, status: BrokerStatus) -> None:
        came = after(9, replace(MARKET, fill_behaviour=fill_behaviour, fill_error_code="otherError"), path(100))

        assert (came.status, came.fills) == (status, ())


class TestARestingOrder:
    @pytest.mark.parametrize(
        ("side", "prices", "minute", "price"),
        [
            (Side.BUY, (100, 1), 0, 100),
            (Side.BUY, (99, 1), 0, 99),
            (Side.BUY, (101, 100, 1), 1, 100),
            (Side.BUY, (101, 102, 98, 1), 2, 98),
            (Side.SELL, (100, 999), 0, 100),
            (Side.SELL, (99, 99, 104, 999), 2, 104),
        ],
    )
    def test_fills_when_the_price_crosses_its_limit(
        self, side: Side, prices: Sequence[int], minute: int, price: int
    ) -> None:
        came = after(9, replace(LIMIT, side=side), path(*prices))

        assert (came.status, came.fills) == (COMPLETE, (MatchedFill(10, Decimal(price), AT + minute * MINUTE),))

    @pytest.mark.parametrize(("side", "price"), [(Side.BUY, 101), (Side.SELL, 99)])
    def test_rests_while_it_does_not(self, side: Side, price: int) -> None:
        came = after(59.9, replace(LIMIT, side=side), path(price))

        assert (came.status, came.fills, came.error_code) == (OPEN, (), "")

    @pytest.mark.parametrize(("minutes", "status"), [(59.99, OPEN), (60, CANCELLED), (9_999, CANCELLED)])
    def test_lapses_at_the_close(self, minutes: float, status: BrokerStatus) -> None:
        assert after(minutes, LIMIT, path(101)).status is status

    def test_does_not_fill_at_the_close(self) -> None:
        assert after(99, LIMIT, path(*[101] * 60, 100)) == FillProgress(
            CANCELLED, (), "orderUnmatched", triggered=True, price_checked_at=AT + 59 * MINUTE
        )

    @pytest.mark.parametrize(("price", "status"), [(100, COMPLETE), (101, CANCELLED)])
    def test_decides_at_once_when_immediate_or_cancel(self, price: int, status: BrokerStatus) -> None:
        assert after(0, replace(LIMIT, validity=Validity.IOC), path(price)).status is status

    @pytest.mark.parametrize(
        ("quantity", "filled", "status"), [(1, 1, COMPLETE), (4, 1, CANCELLED), (11, 2, CANCELLED)]
    )
    def test_that_fills_in_steps_fills_a_fifth_when_immediate_or_cancel(
        self, quantity: int, filled: int, status: BrokerStatus
    ) -> None:
        order = replace(LIMIT, quantity=quantity, validity=Validity.IOC, fill_behaviour=FillBehaviour.STEPS)

        came = after(9, order, path(100))

        assert (came.status, came.fills) == (status, (MatchedFill(filled, Decimal(100), AT),))

    def test_does_not_wait_for_a_better_price_when_immediate_or_cancel(self) -> None:
        came = after(9, replace(LIMIT, validity=Validity.IOC), path(101, 99))

        assert (came.status, came.fills) == (CANCELLED, ())

    @pytest.mark.parametrize(
        ("side", "kind", "limit", "prices", "minute"),
        [
            (Side.BUY, OrderType.SLM, None, (100, 104, 105, 90), 2),
            (Side.SELL, OrderType.SLM, None, (110, 106, 105, 120), 2),
            (Side.BUY, OrderType.SL, 106, (100, 105), 1),
            (Side.BUY, OrderType.SL, 106, (100, 107, 106), 2),
            (Side.SELL, OrderType.SL, 104, (110, 103, 102, 104), 3),
        ],
    )
    def test_waits_for_its_trigger_then_for_its_limit(
        self, side: Side, kind: OrderType, limit: int | None, prices: Sequence[int], minute: int
    ) -> None:
        price = None if limit is None else Decimal(limit)
        stop = replace(MARKET, side=side, order_type=kind, price=price, trigger_price=Decimal(105))

        came = after(9, stop, path(*prices))

        assert [fill.at for fill in came.fills] == [AT + minute * MINUTE]

    def test_without_its_trigger_never_fills(self) -> None:
        stop = replace(MARKET, order_type=OrderType.SL, price=Decimal(106), trigger_price=Decimal(105))

        assert after(9, stop, path(104, 90)) == FillProgress(OPEN, price_checked_at=AT + 9 * MINUTE)


class TestStepwiseFills:
    STEPS = replace(LIMIT, fill_behaviour=FillBehaviour.STEPS)

    def test_wait_while_the_price_is_beyond_the_limit(self) -> None:
        """A step every 12 s; in the second minute the price is above the limit of a buy."""
        came = after(9, replace(self.STEPS, quantity=50), path(100, 101, 99))

        assert [(fill.at - AT).total_seconds() for fill in came.fills] == [12, 24, 36, 48, 120]
        assert [fill.price for fill in came.fills] == [100, 100, 100, 100, 99]

    @pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.MARKET])
    def test_end_with_the_session(self, kind: OrderType) -> None:
        came = after(99, replace(self.STEPS, order_type=kind, lapses_at=AT + timedelta(seconds=36)), path(100))

        assert (came.status, came.error_code) == (CANCELLED, "orderUnmatched")
        assert [(fill.at - AT).total_seconds() for fill in came.fills] == [12, 24]


class TestThePriceBand:
    BAND = (Decimal(95), Decimal(105))

    @pytest.mark.parametrize(("side", "price", "limit"), [(Side.BUY, 94, 100), (Side.SELL, 106, 100)])
    def test_keeps_a_resting_order_from_filling_outside(self, side: Side, price: int, limit: int) -> None:
        came = after(9, replace(LIMIT, side=side, price=Decimal(limit), band=self.BAND), path(price))

        assert (came.status, came.fills) == (OPEN, ())

    def test_lets_a_step_wait(self) -> None:
        order = replace(MARKET, fill_behaviour=FillBehaviour.STEPS, band=self.BAND)

        came = after(9, order, path(100, 106, 105))

        assert [fill.price for fill in came.fills] == [100, 100, 100, 100, 105]


def entry(order: Working, price: str = "100", limits: tuple[int, int] = (80, 120)) -> str:
    return refused_at_entry(order, price=Decimal(price), limits=(Decimal(limits[0]), Decimal(limits[1])))


class TestTheExchangeAtEntry:
    @pytest.mark.parametrize(
        ("price", "refusal"),
        [("79.95", "circuitLimitExceeded"), ("80", ""), ("120", ""), ("120.05", "circuitLimitExceeded")],
    )
    @pytest.mark.parametrize("side", list(Side))
    def test_refuses_a_limit_outside_the_range(self, side: Side, price: str, refusal: str) -> None:
        assert entry(replace(LIMIT, side=side, price=Decimal(price))) == refusal

    def test_refuses_a_trigger_outside_the_range(self) -> None:
        stop = replace(MARKET, order_type=OrderType.SLM, trigger_price=Decimal(121))

        assert entry(stop) == "circuitLimitExceeded"

    @pytest.mark.parametrize(
        ("price", "refusal"), [("95", ""), ("94.95", "circuitLimitExceeded"), ("105.05", "circuitLimitExceeded")]
    )
    def test_refuses_a_market_order_while_the_price_is_outside_the_band(self, price: str, refusal: str) -> None:
        assert entry(replace(MARKET, band=(Decimal(95), Decimal(105))), price) == refusal

    @pytest.mark.parametrize(
        ("side", "trigger", "limit", "refusal"),
        [
            (Side.BUY, "100.05", None, ""),
            (Side.BUY, "100", None, "invalidOrder"),
            (Side.BUY, "99", None, "invalidOrder"),
            (Side.SELL, "99.95", None, ""),
            (Side.SELL, "100", None, "invalidOrder"),
            (Side.SELL, "101", None, "invalidOrder"),
            (Side.BUY, "101", "101", ""),
            (Side.BUY, "101", "100.95", "invalidOrder"),
            (Side.SELL, "99", "99", ""),
            (Side.SELL, "99", "99.05", "invalidOrder"),
        ],
    )
    def test_checks_a_stop_against_the_market_and_its_limit(
        self, side: Side, trigger: str, limit: str | None, refusal: str
    ) -> None:
        kind = OrderType.SL if limit else OrderType.SLM
        stop = replace(
            MARKET, side=side, order_type=kind, trigger_price=Decimal(trigger), price=Decimal(limit) if limit else None
        )

        assert entry(stop) == refusal


PRICES = st.decimals("1150", "1200", places=1)
ORDERS = st.builds(
    Working,
    side=st.sampled_from(Side),
    quantity=st.integers(1, 50),
    order_type=st.sampled_from(OrderType),
    validity=st.sampled_from(Validity),
    price=PRICES,
    trigger_price=PRICES,
    fill_behaviour=st.sampled_from(FillBehaviour),
    fill_error_code=st.just("otherError"),
    arrived_at=st.integers(0, 119).map(lambda second: AT + timedelta(seconds=second)),
    lapses_at=st.integers(2, 90).map(lambda minute: AT + minute * MINUTE),
    band=st.none() | st.tuples(st.just(Decimal(1160)), st.decimals("1165", "1190", places=1)),
)
LOOKS = st.lists(st.integers(120, 7_200).map(lambda second: AT + timedelta(seconds=second)), min_size=1, max_size=8)


def looked_at_often(order: Working, looks: Sequence[datetime]) -> list[FillProgress]:
    """As the matching does it: what one look leaves behind, the next begins with; a final word is the last."""
    told = []
    for now in sorted(looks):
        told.append(progress(order, seeded, now))
        order = replace(order, price_checked_at=told[-1].price_checked_at, triggered=told[-1].triggered)
        if told[-1].status is not OPEN:
            break
    return told


class TestAnyOrder:
    @given(ORDERS, LOOKS)
    def test_comes_to_the_same_however_often_it_is_looked_at(self, order: Working, looks: list[datetime]) -> None:
        once = progress(order, seeded, max(looks))

        often = looked_at_often(order, looks)[-1]

        assert (often.status, often.fills, often.error_code) == (once.status, once.fills, once.error_code)

    @given(ORDERS, LOOKS)
    def test_is_never_overfilled(self, order: Working, looks: list[datetime]) -> None:
        came = progress(order, seeded, max(looks))
        filled = sum(fill.quantity for fill in came.fills)

        assert all(fill.quantity > 0 for fill in came.fills)
        assert filled <= order.quantity
        assert (filled == order.quantity) == (came.status is COMPLETE)

    @given(ORDERS, LOOKS)
    def test_only_ever_adds_fills(self, order: Working, looks: list[datetime]) -> None:
        told = [progress(order, seeded, now).fills for now in sorted(looks)]

        assert all(later[: len(earlier)] == earlier for earlier, later in itertools.pairwise(told))

    @given(ORDERS, LOOKS)
    def test_fills_between_arrival_and_now_at_the_price_of_the_moment(
        self, order: Working, looks: list[datetime]
    ) -> None:
        came = progress(order, seeded, max(looks))

        assert all(order.arrived_at <= fill.at <= max(looks) for fill in came.fills)
        assert all(fill.price == seeded(fill.at) for fill in came.fills)

    @given(ORDERS, LOOKS)
    def test_fills_within_its_limit_its_band_and_its_session(self, order: Working, looks: list[datetime]) -> None:
        came = progress(order, seeded, max(looks))

        assert all(fill.at < order.lapses_at for fill in came.fills)
        assert all(order.band is None or order.band[0] <= fill.price <= order.band[1] for fill in came.fills)
        if order.price is not None and order.order_type in {OrderType.LIMIT, OrderType.SL}:
            beyond = [
                f for f in came.fills if (f.price > order.price if order.side is Side.BUY else f.price < order.price)
            ]
            assert beyond == []

    @given(ORDERS, LOOKS)
    def test_that_is_immediate_or_cancel_never_rests(self, order: Working, looks: list[datetime]) -> None:
        fills_by_itself = replace(order, validity=Validity.IOC, fill_behaviour=FillBehaviour.FILL)

        came = progress(fills_by_itself, seeded, max(looks))

        assert came.status is not OPEN
        assert all(fill.at == order.arrived_at for fill in came.fills)
