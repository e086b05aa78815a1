"""Charges against published examples, and what must be true of any contract note."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.market.charges import NOTHING, TARIFFS, ChargeClass, ChargedOrder, Charges, charges_of
from brokers.ports.broker import Side
from tests.brokers.market.charges.published_examples import AFTER, DERIVED, PUBLISHED, Example, order
from tests.examples import examples

NOTE = settings(deadline=None, max_examples=examples(25, long=1_000))
PAISE = st.integers(1, 10**11).map(lambda paise: Decimal(paise) / 100)
BROKER = st.sampled_from(sorted(TARIFFS))
ORDER = st.builds(
    ChargedOrder,
    ticker=st.sampled_from("ABC"),
    charge_class=st.sampled_from(ChargeClass),
    side=st.sampled_from(Side),
    turnover=PAISE,
    on=st.dates(date(2026, 2, 27), date(2026, 3, 3)),
)
ORDERS = st.lists(ORDER, max_size=8)


def note(orders: list[ChargedOrder], broker: str = "kite") -> Charges:
    return sum(charges_of(orders, TARIFFS[broker]), NOTHING)


def amount(charges: Charges, name: str) -> Decimal:
    return Decimal(getattr(charges, name))


class TestCharges:
    @pytest.mark.parametrize("example", [*PUBLISHED, *DERIVED], ids=lambda example: example.source)
    def test_are_as_published(self, example: Example) -> None:
        found = note(list(example.orders), example.broker)

        assert {name: amount(found, name) for name in example.expected} == {
            name: Decimal(value) for name, value in example.expected.items()
        }

    def test_add_up_to_their_total(self) -> None:
        assert Charges(*map(Decimal, range(1, 8))).total == 28

    def test_of_nothing_are_nothing(self) -> None:
        assert note([order(0, on=AFTER), order(0, Side.SELL, on=AFTER)], "upstox") == NOTHING

    def test_carry_the_days_dp_charge_with_the_first_sale_that_filled(self) -> None:
        orders = [order(0, Side.SELL, on=AFTER), order(10, on=AFTER), *[order(10, Side.SELL, on=AFTER)] * 2]

        assert [str(one.dp) for one in charges_of(orders, TARIFFS["kite"])] == ["0.00", "0.00", "15.34", "0.00"]

    def test_round_stt_of_a_scrip_and_day_and_not_of_an_order(self) -> None:
        """The STT of one order is 40 paise, of two 80, of three ₹1.20."""
        same = [order(400, on=AFTER)] * 3
        other = [order(400, on=AFTER, ticker="Y"), order(400, on=AFTER + timedelta(days=1))]

        assert [one.stt for one in charges_of([*same, *other], TARIFFS["kite"])] == [0, 1, 0, 0, 0]


class TestAContractNote:
    @NOTE
    @given(orders=ORDERS, broker=BROKER)
    def test_charges_no_order_less_than_nothing(self, orders: list[ChargedOrder], broker: str) -> None:
        for one in charges_of(orders, TARIFFS[broker]):
            assert min(one.brokerage, one.stt, one.exchange, one.sebi, one.stamp, one.gst, one.dp) >= 0

    @NOTE
    @given(orders=ORDERS, more=ORDER, broker=BROKER)
    def test_never_costs_less_for_more_turnover(
        self, orders: list[ChargedOrder], more: ChargedOrder, broker: str
    ) -> None:
        assert note([*orders, more], broker).total >= note(orders, broker).total

    @NOTE
    @given(first=ORDER, more=PAISE, broker=BROKER, others=ORDERS)
    def test_never_charges_an_order_less_for_more_turnover(
        self, first: ChargedOrder, more: Decimal, broker: str, others: list[ChargedOrder]
    ) -> None:
        larger = ChargedOrder(first.ticker, first.charge_class, first.side, first.turnover + more, first.on)

        assert note([*others, larger], broker).total >= note([*others, first], broker).total

    @NOTE
    @given(orders=ORDERS, broker=BROKER)
    def test_is_the_same_in_whatever_order(self, orders: list[ChargedOrder], broker: str) -> None:
        shuffled = sorted(orders, key=lambda one: (one.turnover, one.ticker))

        assert note(orders, broker).total == note(shuffled, broker).total

    @NOTE
    @given(orders=ORDERS, broker=BROKER)
    def test_keeps_brokerage_under_the_ceiling(self, orders: list[ChargedOrder], broker: str) -> None:
        for one, charges in zip(orders, charges_of(orders, TARIFFS[broker]), strict=True):
            assert charges.brokerage <= one.turnover * Decimal("0.025")
