"""The purchases of a rebalance never cost more than the usable proceeds and the funds."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.market.proceeds import usable_today
from brokers.ports.broker import Side
from brokers.ports.registry import BROKERS
from tests.examples import examples
from transactions.domain.basket import OrderLine, Security
from transactions.domain.left_out import LeftOut
from transactions.lifecycle.proceeds_check import Money, within_money

often = settings(max_examples=examples(60, long=1_000), deadline=None)
NAMES = [f"N{number}" for number in range(12)]
LINES = st.lists(
    st.tuples(st.sampled_from(list(Side)), st.integers(1, 2_000), st.integers(1, 400_000)), min_size=1, max_size=12
)
Lines = list[tuple[Side, int, int]]


def planned(lines: Lines) -> tuple[list[OrderLine], dict[str, Decimal]]:
    """Prices are multiples of ₹0.05."""
    named = list(zip(NAMES, lines, strict=False))
    orders = [OrderLine(Security(name), shares, side) for name, (side, shares, _) in named]
    return orders, {name: Decimal(ticks) / 20 for name, (*_, ticks) in named}


def worth(lines: list[OrderLine], side: Side, prices: dict[str, Decimal]) -> Decimal:
    return sum((prices[one.security.ticker] * one.quantity for one in lines if one.side is side), Decimal(0))


def counted(placed: list[OrderLine], waiting: list[LeftOut]) -> dict[str, int]:
    shares: dict[str, int] = {}
    for line in [*placed, *(one.line for one in waiting)]:
        shares[line.security.ticker] = shares.get(line.security.ticker, 0) + line.quantity
    return shares


class TestPurchases:
    @often
    @given(LINES, st.integers(0, 10**8), st.integers(0, 10_000), st.sampled_from(sorted(BROKERS)))
    def test_cost_at_most_the_usable_proceeds_and_the_funds(
        self, lines: Lines, funds: int, fees: int, broker: str
    ) -> None:
        orders, prices = planned(lines)
        placed, waiting = within_money(orders, prices, Money(broker, Decimal(funds)), fees=Decimal(fees))

        sales, buys = (worth(placed, side, prices) for side in (Side.SELL, Side.BUY))
        assert not buys or buys + fees <= usable_today(sales, broker) + funds
        assert sales == worth(orders, Side.SELL, prices)
        assert counted(placed, waiting) == {one.security.ticker: one.quantity for one in orders}
        assert all(one.line.side is Side.BUY and one.line.quantity > 0 for one in waiting)

    @often
    @given(LINES, st.integers(0, 10**6))
    def test_are_bounded_by_the_whole_proceeds_while_the_funds_are_unknown(self, lines: Lines, added: int) -> None:
        orders, prices = planned(lines)
        placed, _ = within_money(orders, prices, Money("kite", None, added=Decimal(added)), fees=Decimal(0))

        assert worth(placed, Side.BUY, prices) <= worth(placed, Side.SELL, prices) + added

    def test_are_all_made_with_money_in_the_account(self) -> None:
        orders = [OrderLine(Security("A"), 100, Side.SELL), OrderLine(Security("B"), 100, Side.BUY)]
        prices = {"A": Decimal(100), "B": Decimal(100)}

        def placed(funds: int) -> list[int]:
            money = Money("kite", Decimal(funds))
            return [one.quantity for one in within_money(orders, prices, money, fees=Decimal(25))[0]]

        assert placed(0) == [100, 78]  # 80 % of ₹10,000, less charges, less 1 % for a price that rises
        assert placed(2_050) == [100, 100]
