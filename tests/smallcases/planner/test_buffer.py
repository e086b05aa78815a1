"""Small differences are left alone, and the money still suffices; weights without some names; trimmed shares."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.ports.broker import Side
from smallcases.planner import Leg, rebalance
from smallcases.planner.buffer import REBALANCE_BUFFER
from smallcases.planner.exact import spread, value
from smallcases.planner.whole import trimmed
from tests.examples import examples
from tests.smallcases.planner.test_planner import BASKETS, Basket

often = settings(max_examples=examples(60, long=1_000), deadline=None)
NOTHING = Decimal(0)


def buffered(basket: Basket, held: Mapping[str, int]) -> list[Leg]:
    return rebalance(held=held, weights=basket.weights, prices=basket.prices, buffer=REBALANCE_BUFFER)


def near(basket: Basket) -> dict[str, int]:
    """Holdings as a rebalance leaves them, and one share more or less of some."""
    full = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices, cash=basket.amount)
    held = dict(basket.held)
    for leg in full:
        held[leg.ticker] = held.get(leg.ticker, 0) + (leg.shares if leg.side is Side.BUY else -leg.shares)
    return {t: max(n + number % 3 - 1, 0) for number, (t, n) in enumerate(held.items())}


class TestTheBuffer:
    @often
    @given(BASKETS)
    def test_leaves_names_that_stay_alone_if_they_are_off_by_little(self, basket: Basket) -> None:
        """A small sale is made only to pay for one share of a new name."""
        held = near(basket)
        total = value(held, basket.prices)
        full = {leg.ticker for leg in rebalance(held=held, weights=basket.weights, prices=basket.prices)}
        legs = buffered(basket, held)

        small = [
            leg
            for leg in legs
            if held.get(leg.ticker)
            and leg.ticker in basket.weights
            and leg.shares < held[leg.ticker]
            and basket.prices[leg.ticker] * leg.shares <= REBALANCE_BUFFER.limit(total)
        ]
        is_new = any(not held.get(leg.ticker) for leg in legs)
        assert {leg.ticker for leg in legs} <= full
        assert not small or is_new or all(leg.side is Side.BUY for leg in small)

    @often
    @given(BASKETS)
    def test_buys_within_the_proceeds_and_every_new_name(self, basket: Basket) -> None:
        held = near(basket)
        full = rebalance(held=held, weights=basket.weights, prices=basket.prices)
        legs = buffered(basket, held)

        spent, came = (
            sum((basket.prices[leg.ticker] * leg.shares for leg in legs if leg.side is side), NOTHING)
            for side in (Side.BUY, Side.SELL)
        )
        assert spent <= came
        assert {leg.ticker for leg in full if not held.get(leg.ticker)} == {
            leg.ticker for leg in legs if not held.get(leg.ticker)
        }
        assert [leg for leg in full if leg.ticker not in basket.weights] == [
            leg for leg in legs if leg.ticker not in basket.weights
        ]

    def test_is_500_rupees_or_one_per_cent(self) -> None:
        """₹500 of ₹40,000 are more than 1 %; ₹500 of ₹60,000 are less, and the limit is ₹600."""
        weights = {"A": Decimal(50), "B": Decimal(50)}
        prices = {"A": Decimal(100), "B": Decimal(100)}

        def off_by(shares: int, *, of: int) -> int:
            held = {"A": of // 200 + shares, "B": of // 200 - shares}
            return len(rebalance(held=held, weights=weights, prices=prices, buffer=REBALANCE_BUFFER))

        assert (off_by(5, of=40_000), off_by(6, of=40_000)) == (0, 2)
        assert (off_by(6, of=60_000), off_by(7, of=60_000)) == (0, 2)

    def test_sells_a_little_after_all_to_pay_for_a_new_name(self) -> None:
        weights = {"A": Decimal("49.5"), "B": Decimal("49.5"), "C": Decimal(1)}
        prices = {"A": Decimal(100), "B": Decimal(100), "C": Decimal(300)}

        legs = rebalance(held={"A": 201, "B": 199}, weights=weights, prices=prices, buffer=REBALANCE_BUFFER)

        assert legs == [Leg("A", Side.SELL, 3), Leg("C", Side.BUY, 1)]


class TestSpread:
    @often
    @given(BASKETS, st.integers(0, 3))
    def test_gives_the_part_of_the_others_in_proportion(self, basket: Basket, step: int) -> None:
        without = set(list(basket.weights)[:: step + 1]) if step else set()
        kept = spread(basket.weights, without=without)

        whole = sum((weight for t, weight in basket.weights.items() if t not in without), NOTHING)
        assert kept.keys() == basket.weights.keys() - without
        assert not kept or sum(kept.values()) == 100
        assert all(abs(weight - basket.weights[t] * 100 / whole) < Decimal("1e-9") for t, weight in kept.items())


class TestTrimmed:
    @often
    @given(BASKETS, st.integers(-1, 120))
    def test_costs_no_more_than_the_budget_and_takes_of_each_the_same_part(self, basket: Basket, percent: int) -> None:
        shares = {t: n for t, n in basket.held.items() if n}
        cost = value(shares, basket.prices)
        budget = cost * percent / 100

        left = trimmed(shares, basket.prices, budget)

        assert value(left, basket.prices) <= max(budget, NOTHING)
        assert left == shares or percent < 100
        part = max(budget, NOTHING).quantize(Decimal("0.01"), ROUND_DOWN) / cost if cost else NOTHING
        assert all(int(shares[t] * min(part, Decimal(1))) <= n <= shares[t] for t, n in left.items())
