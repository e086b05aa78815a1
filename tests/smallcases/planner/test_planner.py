"""The planner's promises, over baskets of 2 to 50 names; and a few worked out by hand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, product
from math import ceil, floor
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from brokers.ports.broker import Side
from gateway.values.money import rupees
from smallcases.planner import (
    BelowMinimum,
    Leg,
    TooLittleToSell,
    composition,
    exit_amount,
    exit_percent,
    exit_whole,
    manage,
    minimum_investment,
    minimum_sip,
    rebalance,
    shares_for,
    top_up,
)
from tests.examples import examples
from tests.smallcases.planner.greedy import greedy

TICK = Decimal("0.05")
PAISA = Decimal("0.01")
MILLION = 1_000_000
LEAST = 1_000  # millionths: 0.1 %

PRICES = (st.integers(1, 200) | st.integers(200, 3_000_000)).map(lambda ticks: ticks * TICK)  # ₹0.05 to ₹1,50,000
COUNTS = st.integers(0, 3) | st.integers(0, 2_000)

thoroughly = settings(max_examples=examples(200, long=2_000), deadline=None)
often = settings(max_examples=examples(60, long=1_000), deadline=None)


@dataclass(frozen=True)
class Basket:
    """`held` also has names that are not weighted any more."""

    weights: dict[str, Decimal]
    prices: dict[str, Decimal]
    held: dict[str, int]
    amount: Decimal

    @property
    def minimum(self) -> Decimal:
        return minimum_investment(weights=self.weights, prices=self.prices)

    @property
    def enough(self) -> Decimal:
        """The minimum at least."""
        return self.minimum + self.amount

    @property
    def value(self) -> Decimal:
        return worth(self.held, self.prices)


def basket_of(*, cuts: Sequence[int], lines: Sequence[tuple[Decimal, int]], amount: Decimal) -> Basket:
    """A name more than cuts is weighted; `cuts`, in millionths, part what is left when each name has LEAST."""
    spare = MILLION - LEAST * (len(cuts) + 1)
    edges = [0, *sorted(cut * spare // MILLION for cut in cuts), spare]
    weights = [Decimal(LEAST + right - left) / 10_000 for left, right in pairwise(edges)]
    return Basket(
        weights={f"N{number}": weight for number, weight in enumerate(weights)},
        prices={f"N{number}": price for number, (price, _) in enumerate(lines)},
        held={f"N{number}": shares for number, (_, shares) in enumerate(lines)},
        amount=amount,
    )


@st.composite
def small_baskets(draw: st.DrawFn) -> Basket:
    """Drawn number by number: Hypothesis looks for trouble, and shrinks it."""
    count, removed = draw(st.integers(2, 5)), draw(st.integers(0, 2))
    return basket_of(
        cuts=draw(st.lists(st.integers(0, MILLION), min_size=count - 1, max_size=count - 1)),
        lines=draw(st.lists(st.tuples(PRICES, COUNTS), min_size=count + removed, max_size=count + removed)),
        amount=draw(st.integers(0, 10_000) | st.integers(0, 10**10)) * PAISA,
    )


def large_basket(seed: int) -> Basket:
    """Drawn at once, since drawing numbers by the hundred is what takes Hypothesis long."""
    random = Random(seed)
    count, removed = random.randint(2, 50), random.randint(0, 3)
    scale, most = random.uniform(0, 5), random.choice([3, 30, 2_000])
    return basket_of(
        cuts=[random.randrange(MILLION) for _ in range(count - 1)],
        lines=[(TICK * price(random, scale), random.randint(0, most)) for _ in range(count + removed)],
        amount=PAISA * int(10 ** random.uniform(0, 10)),
    )


def price(random: Random, scale: float) -> int:
    """Ticks, from 1 to 3,000,000; of one order of magnitude, up to `scale` more."""
    return min(3_000_000, int(10 ** random.uniform(5 - scale, 6.5)))


LARGE = st.integers(0, 2**64).map(large_basket)
BASKETS = small_baskets() | LARGE


def worth(shares: Mapping[str, int], prices: Mapping[str, Decimal]) -> Decimal:
    return sum((prices[ticker] * count for ticker, count in shares.items()), Decimal(0))


def added(held: Mapping[str, int], bought: Mapping[str, int]) -> dict[str, int]:
    return {ticker: held.get(ticker, 0) + bought.get(ticker, 0) for ticker in {**held, **bought}}


def after(held: Mapping[str, int], legs: Sequence[Leg]) -> dict[str, int]:
    return added(held, {leg.ticker: leg.shares if leg.side is Side.BUY else -leg.shares for leg in legs})


def total(legs: Sequence[Leg], side: Side, prices: Mapping[str, Decimal]) -> Decimal:
    return sum((leg.shares * prices[leg.ticker] for leg in legs if leg.side is side), Decimal(0))


def under(shares: Mapping[str, int], basket: Basket, value: Decimal) -> dict[str, Decimal]:
    """Rupees by which each weighted name is under its weight of `value`; above it, less than nothing."""
    return {t: weight * value / 100 - basket.prices[t] * shares.get(t, 0) for t, weight in basket.weights.items()}


def out_of_reach(shares: Mapping[str, int], basket: Basket, value: Decimal, left: Decimal) -> bool:
    return all(basket.prices[ticker] > left for ticker, missing in under(shares, basket, value).items() if missing > 0)


def within_a_share(shares: Mapping[str, int], basket: Basket, value: Decimal) -> bool:
    return all(abs(missing) < basket.prices[ticker] for ticker, missing in under(shares, basket, value).items())


def active_share(shares: Mapping[str, int], basket: Basket, amount: Decimal) -> Decimal:
    """× the amount: undivided, since equals must stay equal."""
    return sum((max(missing, Decimal(0)) for missing in under(shares, basket, amount).values()), Decimal(0))


def squared_error(shares: Mapping[str, int], basket: Basket, amount: Decimal) -> Decimal:
    """× the amount squared; money left is a name of weight nil."""
    misses = [*under(shares, basket, amount).values(), amount - worth(shares, basket.prices)]
    return sum((missing * missing for missing in misses), Decimal(0))


class TestMinimumInvestment:
    def test_is_the_largest_price_for_its_weight(self) -> None:
        weights = {"INFY": Decimal(60), "TCS": Decimal(30), "ITC": Decimal(10)}
        prices = {"INFY": Decimal("1500.00"), "TCS": Decimal("2473.70"), "ITC": Decimal("420.05")}

        assert minimum_investment(weights=weights, prices=prices) == 8246  # TCS: 2473.70 ÷ 0.3 = 8245.666…

    @often
    @given(BASKETS)
    def test_is_in_whole_rupees_and_not_enough_with_one_less(self, basket: Basket) -> None:
        less = basket.minimum - 1

        assert any(weight * less / 100 < basket.prices[ticker] for ticker, weight in basket.weights.items())
        assert basket.minimum % 1 == 0


class TestMinimumSip:
    @often
    @given(BASKETS)
    def test_is_the_cheapest_share_of_a_weighted_name_rounded_up_to_a_rupee(self, basket: Basket) -> None:
        least = minimum_sip(weights=basket.weights, prices=basket.prices)
        cheapest = min(basket.prices[ticker] for ticker in basket.weights)

        assert least % 1 == 0
        assert 0 <= least - cheapest < 1


class TestSharesFor:
    def test_rounds_down_and_spends_the_rest_on_what_is_most_under_weight(self) -> None:
        weights = {"INFY": Decimal(50), "TCS": Decimal(30), "ITC": Decimal(20)}
        prices = {"INFY": Decimal(300), "TCS": Decimal(250), "ITC": Decimal(150)}

        shares = shares_for(amount=Decimal(2000), weights=weights, prices=prices)

        # exactly 3.33, 2.4 and 2.67 shares: rounded down they cost ₹1700; ITC lacks two thirds of a share, the most
        assert shares == {"INFY": 3, "TCS": 2, "ITC": 3}

    def test_spends_the_rest_on_the_largest_remainders_where_that_ends_nearer(self) -> None:
        basket = Basket(
            weights={"INFY": Decimal(50), "TCS": Decimal(30), "ITC": Decimal(20)},
            prices={"INFY": Decimal(200), "TCS": Decimal(200), "ITC": Decimal(100)},
            held={},
            amount=Decimal(1100),
        )

        shares = shares_for(amount=basket.amount, weights=basket.weights, prices=basket.prices)

        # exactly 2.75, 1.65 and 2.2 shares; of ₹800 invested it is TCS that is the most under its weight, by ₹40
        assert shares == {"INFY": 3, "TCS": 1, "ITC": 3}
        assert greedy(amount=basket.amount, weights=basket.weights, prices=basket.prices)["TCS"] == 2

    def test_does_not_pile_the_rest_into_the_cheapest(self) -> None:
        shares = shares_for(
            amount=Decimal(1998),
            weights={"MRF": Decimal("99.9"), "IDEA": Decimal("0.1")},
            prices={"MRF": Decimal(1000), "IDEA": Decimal("0.05")},
        )

        assert shares == {"MRF": 1, "IDEA": 40}  # ₹996 left over, rather than 20,000 shares of IDEA

    def test_breaks_a_tie_as_the_greedy_allocation_does(self) -> None:
        weights = {"INFY": Decimal(20), "TCS": Decimal(70), "ITC": Decimal(10)}
        prices = {"INFY": Decimal(1), "TCS": Decimal(3), "ITC": Decimal(1)}

        shares = shares_for(amount=Decimal(29), weights=weights, prices=prices)

        assert shares == {"INFY": 5, "TCS": 7, "ITC": 3}
        assert shares == greedy(amount=Decimal(29), weights=weights, prices=prices)

    def test_refuses_less_than_the_minimum_and_says_it(self) -> None:
        with pytest.raises(BelowMinimum) as refusal:
            shares_for(
                amount=Decimal("8245.66"),
                weights={"TCS": Decimal(30), "ITC": Decimal(70)},
                prices={"TCS": Decimal("2473.7"), "ITC": Decimal(420)},
            )

        assert refusal.value.sentences == (
            "The amount must be at least ₹8246 to buy one share of every name; it is ₹8245.66.",
        )

    @often
    @given(BASKETS)
    def test_has_a_share_of_every_name_at_the_minimum(self, basket: Basket) -> None:
        shares = shares_for(amount=basket.minimum, weights=basket.weights, prices=basket.prices)

        assert shares.keys() == basket.weights.keys()
        assert min(shares.values()) >= 1

    @often
    @given(BASKETS)
    def test_never_spends_more_than_the_amount(self, basket: Basket) -> None:
        shares = shares_for(amount=basket.enough, weights=basket.weights, prices=basket.prices)

        assert worth(shares, basket.prices) <= basket.enough

    @often
    @given(BASKETS)
    def test_leaves_less_than_any_name_under_its_weight_costs(self, basket: Basket) -> None:
        shares = shares_for(amount=basket.enough, weights=basket.weights, prices=basket.prices)

        left = basket.enough - worth(shares, basket.prices)
        assert out_of_reach(shares, basket, basket.enough, left)

    @often
    @given(BASKETS)
    def test_has_every_name_within_a_share_of_its_weight(self, basket: Basket) -> None:
        shares = shares_for(amount=basket.enough, weights=basket.weights, prices=basket.prices)

        assert within_a_share(shares, basket, basket.enough)

    @thoroughly
    @given(BASKETS)
    def test_is_no_further_off_than_the_greedy_allocation(self, basket: Basket) -> None:
        ours = shares_for(amount=basket.enough, weights=basket.weights, prices=basket.prices)
        theirs = greedy(amount=basket.enough, weights=basket.weights, prices=basket.prices)

        assert active_share(ours, basket, basket.enough) <= active_share(theirs, basket, basket.enough)
        assert squared_error(ours, basket, basket.enough) <= squared_error(theirs, basket, basket.enough)


class TestTopUp:
    def test_lifts_the_lowest_first(self) -> None:
        bought = top_up(
            amount=Decimal(500),
            held={"INFY": 10, "TCS": 4, "ITC": 1},
            weights={"INFY": Decimal(40), "TCS": Decimal(30), "ITC": Decimal(30)},
            prices={"INFY": Decimal(100), "TCS": Decimal(100), "ITC": Decimal(100)},
        )

        assert bought == {"TCS": 1, "ITC": 4}  # of ₹2000, 200 and 500 under their weight: both to 100 under it

    def test_buys_what_it_can_where_the_lowest_costs_too_much(self) -> None:
        bought = top_up(
            amount=Decimal(500),
            held={"MRF": 1},
            weights={"MRF": Decimal(90), "ITC": Decimal(10)},
            prices={"MRF": Decimal(100_000), "ITC": Decimal(400)},
        )

        assert bought == {"ITC": 1}

    def test_does_not_count_names_without_a_weight(self) -> None:
        bought = top_up(
            amount=Decimal(100),
            held={"GONE": 1_000},
            weights={"TCS": Decimal(50), "ITC": Decimal(50)},
            prices={"GONE": Decimal(100), "TCS": Decimal(10), "ITC": Decimal(10)},
        )

        assert bought == {"TCS": 5, "ITC": 5}

    def test_buys_nothing_where_nothing_is_affordable(self) -> None:
        prices = {"TCS": Decimal(10), "ITC": Decimal(10)}

        assert top_up(amount=Decimal(9), held={}, weights={"TCS": Decimal(50), "ITC": Decimal(50)}, prices=prices) == {}

    @often
    @given(BASKETS)
    def test_never_spends_more_than_the_amount(self, basket: Basket) -> None:
        bought = top_up(amount=basket.amount, held=basket.held, weights=basket.weights, prices=basket.prices)

        assert min(bought.values(), default=1) >= 1
        assert worth(bought, basket.prices) <= basket.amount

    @often
    @given(BASKETS)
    def test_leaves_less_than_any_name_under_its_weight_costs(self, basket: Basket) -> None:
        bought = top_up(amount=basket.amount, held=basket.held, weights=basket.weights, prices=basket.prices)

        kept = {ticker: basket.held[ticker] for ticker in basket.weights}
        left = basket.amount - worth(bought, basket.prices)
        assert out_of_reach(added(kept, bought), basket, worth(kept, basket.prices) + basket.amount, left)

    @often
    @given(BASKETS)
    def test_takes_no_name_a_share_above_its_weight(self, basket: Basket) -> None:
        bought = top_up(amount=basket.amount, held=basket.held, weights=basket.weights, prices=basket.prices)

        kept = {ticker: basket.held[ticker] for ticker in basket.weights}
        missing = under(added(kept, bought), basket, worth(kept, basket.prices) + basket.amount)
        assert all(missing[ticker] > -basket.prices[ticker] for ticker in bought)

    @often
    @given(BASKETS, PRICES)
    def test_lifts_the_lowest_to_one_level_where_all_have_one_price(self, basket: Basket, price: Decimal) -> None:
        level = replace(basket, prices=dict.fromkeys(basket.prices, price))
        bought = top_up(amount=level.amount, held=level.held, weights=level.weights, prices=level.prices)

        kept = {ticker: level.held[ticker] for ticker in level.weights}
        missing = under(added(kept, bought), level, worth(kept, level.prices) + level.amount)
        highest = min((missing[ticker] for ticker in bought), default=max(missing.values()))
        assert max(missing.values()) < highest + 2 * price

    @often
    @given(BASKETS)
    def test_is_a_first_purchase_where_nothing_is_held(self, basket: Basket) -> None:
        first = shares_for(amount=basket.enough, weights=basket.weights, prices=basket.prices)

        assert top_up(amount=basket.enough, held={}, weights=basket.weights, prices=basket.prices) == first


class TestRebalance:
    def test_sells_first_and_buys_within_the_proceeds(self) -> None:
        legs = rebalance(
            held={"INFY": 10, "TCS": 10, "GONE": 2},
            weights={"ITC": Decimal(30), "INFY": Decimal(20), "TCS": Decimal(50)},
            prices={"INFY": Decimal(100), "TCS": Decimal(100), "GONE": Decimal(150), "ITC": Decimal(70)},
        )

        # ₹2300: exactly 9.86 ITC, 4.6 INFY, 11.5 TCS; after 9, 5 and 11 of them ₹70 are left
        assert legs == [
            Leg("INFY", Side.SELL, 5),
            Leg("GONE", Side.SELL, 2),
            Leg("TCS", Side.BUY, 1),
            Leg("ITC", Side.BUY, 10),
        ]

    def test_adds_the_users_cash(self) -> None:
        legs = rebalance(
            held={"INFY": 5, "TCS": 5},
            weights={"INFY": Decimal(50), "TCS": Decimal(50)},
            prices={"INFY": Decimal(100), "TCS": Decimal(100)},
            cash=Decimal(450),
        )

        assert legs == [Leg("INFY", Side.BUY, 2), Leg("TCS", Side.BUY, 2)]

    def test_takes_a_share_from_the_furthest_above_for_a_name_that_would_go_without(self) -> None:
        legs = rebalance(
            held={"INFY": 3, "TCS": 2},
            weights={"INFY": Decimal(52), "TCS": Decimal(28), "ITC": Decimal(20)},
            prices={"INFY": Decimal(1000), "TCS": Decimal(1000), "ITC": Decimal(800)},
        )

        assert legs == [Leg("TCS", Side.SELL, 1), Leg("ITC", Side.BUY, 1)]  # above: INFY by ₹400, TCS by ₹600

    def test_lets_a_name_have_a_share_below_the_minimum_too(self) -> None:
        legs = rebalance(
            held={"INFY": 3},
            weights={"INFY": Decimal(80), "TCS": Decimal(20)},
            prices={"INFY": Decimal(1000), "TCS": Decimal(800)},
        )

        assert legs == [Leg("INFY", Side.SELL, 1), Leg("TCS", Side.BUY, 1)]  # though TCS's weight is ₹600

    def test_goes_without_the_dearest_where_one_of_each_is_too_much(self) -> None:
        legs = rebalance(
            held={"ITC": 10},
            weights={"MRF": Decimal(60), "ITC": Decimal(40)},
            prices={"MRF": Decimal(100_000), "ITC": Decimal(400)},
        )

        assert legs == []

    def test_trades_nothing_where_every_name_is_within_a_share_of_its_weight(self) -> None:
        legs = rebalance(
            held={"INFY": 6, "TCS": 4},
            weights={"INFY": Decimal(51), "TCS": Decimal(49)},
            prices={"INFY": Decimal(100), "TCS": Decimal(100)},
        )

        assert legs == []

    def test_leaves_a_name_within_a_share_of_its_weight_alone_while_it_trades_others(self) -> None:
        legs = rebalance(
            held={"TCS": 12, "INFY": 4, "GONE": 2},
            weights={"TCS": Decimal(49), "INFY": Decimal(21), "ITC": Decimal(30)},
            prices={"TCS": Decimal(100), "INFY": Decimal(100), "GONE": Decimal(370), "ITC": Decimal(100)},
        )

        assert legs == [Leg("GONE", Side.SELL, 2), Leg("ITC", Side.BUY, 7)]  # TCS: 11.47 shares exactly, INFY: 4.91

    def test_sells_what_no_rebalance_would_have_left(self) -> None:
        legs = rebalance(
            held={"TCS": 1, "ITC": 16, "INFY": 3},
            weights={"TCS": Decimal(50), "ITC": Decimal(40), "INFY": Decimal(10)},
            prices={"TCS": Decimal(700), "ITC": Decimal(50), "INFY": Decimal(100)},
        )

        # within a share of the weights of ₹2001 to ₹2124; but of these, ₹201 or more would have bought more ITC
        assert legs == [Leg("ITC", Side.SELL, 1), Leg("INFY", Side.SELL, 1)]

    def test_has_nothing_to_do_where_nothing_is_held(self) -> None:
        weights = {"INFY": Decimal(50), "TCS": Decimal(50)}

        assert rebalance(held={}, weights=weights, prices={"INFY": Decimal(100), "TCS": Decimal(100)}) == []

    @thoroughly
    @given(BASKETS)
    def test_is_nothing_the_second_time(self, basket: Basket) -> None:
        first = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices, cash=basket.amount)
        then = after(basket.held, first)

        assert rebalance(held=then, weights=basket.weights, prices=basket.prices) == []

    @often
    @given(small_baskets())
    def test_is_nothing_the_second_time_of_a_few_shares(self, basket: Basket) -> None:
        few = {ticker: shares % 4 for ticker, shares in basket.held.items()}
        first = rebalance(held=few, weights=basket.weights, prices=basket.prices)

        assert rebalance(held=after(few, first), weights=basket.weights, prices=basket.prices) == []

    @often
    @given(BASKETS, st.integers(0, 100))
    def test_is_nothing_the_second_time_with_any_part_of_what_was_left(self, basket: Basket, percent: int) -> None:
        first = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices, cash=basket.amount)
        then = after(basket.held, first)
        left = basket.value + basket.amount - worth(then, basket.prices)

        again = rebalance(held=then, weights=basket.weights, prices=basket.prices, cash=left * percent / 100)
        assert again == []

    @often
    @given(BASKETS)
    def test_buys_within_the_proceeds_and_the_cash(self, basket: Basket) -> None:
        legs = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices, cash=basket.amount)

        proceeds = total(legs, Side.SELL, basket.prices)
        assert total(legs, Side.BUY, basket.prices) <= proceeds + basket.amount

    @often
    @given(BASKETS)
    def test_sells_before_it_buys_and_trades_a_name_once(self, basket: Basket) -> None:
        legs = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices, cash=basket.amount)

        assert [leg.side for leg in legs] == sorted((leg.side for leg in legs), reverse=True)
        assert len({leg.ticker for leg in legs}) == len(legs)

    @often
    @given(BASKETS)
    def test_never_sells_more_than_held(self, basket: Basket) -> None:
        legs = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices)

        assert all(0 < leg.shares <= basket.held[leg.ticker] for leg in legs if leg.side is Side.SELL)

    @often
    @given(BASKETS)
    def test_sells_names_without_a_weight_whole(self, basket: Basket) -> None:
        legs = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices)

        then = after(basket.held, legs)
        assert [then[ticker] for ticker in basket.held if ticker not in basket.weights and then[ticker]] == []

    @often
    @given(BASKETS)
    def test_lets_as_many_names_as_possible_have_a_share(self, basket: Basket) -> None:
        few = {ticker: shares % 2 for ticker, shares in basket.held.items()}
        then = after(few, rebalance(held=few, weights=basket.weights, prices=basket.prices))

        without = [basket.prices[ticker] for ticker in basket.weights if not then.get(ticker)]
        with_one = [basket.prices[ticker] for ticker in basket.weights if then.get(ticker)]
        assert sum(with_one) + min(without, default=Decimal("Infinity")) > worth(few, basket.prices)

    @often
    @given(BASKETS)
    def test_leaves_less_than_any_name_under_its_weight_costs(self, basket: Basket) -> None:
        cash = basket.enough
        legs = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices, cash=cash)

        then = after(basket.held, legs)
        value = basket.value + cash
        assert out_of_reach(then, basket, value, value - worth(then, basket.prices))

    @often
    @given(BASKETS)
    def test_has_every_name_within_a_share_of_its_weight_of_some_value_near_the_present_one(
        self, basket: Basket
    ) -> None:
        cash = basket.enough
        legs = rebalance(held=basket.held, weights=basket.weights, prices=basket.prices, cash=cash)

        value = basket.value + cash
        dearest = max(basket.prices[ticker] for ticker in basket.weights)
        missing = under(after(basket.held, legs), basket, value)
        slack = {t: basket.prices[t] + weight * dearest / 100 for t, weight in basket.weights.items()}
        assert all(-slack[ticker] < lack < basket.prices[ticker] for ticker, lack in missing.items())

    @often
    @given(BASKETS)
    def test_leaves_a_first_purchase_alone(self, basket: Basket) -> None:
        bought = shares_for(amount=basket.enough, weights=basket.weights, prices=basket.prices)

        assert rebalance(held=bought, weights=basket.weights, prices=basket.prices) == []


class TestComposition:
    @often
    @given(BASKETS)
    def test_is_the_part_of_each_name_in_the_value_and_sums_to_100(self, basket: Basket) -> None:
        assume(basket.value)
        weights = composition(shares=basket.held, prices=basket.prices)

        assert sum(weights.values()) == 100
        assert weights.keys() == {ticker for ticker, shares in basket.held.items() if shares}
        for ticker, weight in weights.items():
            part = Fraction(basket.prices[ticker]) * basket.held[ticker] / Fraction(basket.value)
            assert abs(Fraction(weight) - part * 100) < Fraction(len(weights), 10**6)
            assert weight > 0


@st.composite
def managed_baskets(draw: st.DrawFn) -> tuple[Basket, dict[str, int], dict[str, int]]:
    """A basket, the shares that the user chose instead, and the shares held after a part of that has filled."""
    basket = draw(small_baskets())
    chosen = {ticker: draw(COUNTS) for ticker in basket.held}
    chosen[draw(st.sampled_from(sorted(chosen)))] += 1
    filled = {t: draw(st.integers(*sorted((basket.held[t], shares)))) for t, shares in chosen.items()}
    return basket, chosen, filled


class TestTopUpAfterManage:
    @often
    @given(managed_baskets(), st.lists(st.integers(1, 10**8), min_size=1, max_size=3))
    def test_never_buys_a_name_that_the_user_removed(
        self, managed: tuple[Basket, dict[str, int], dict[str, int]], amounts: list[int]
    ) -> None:
        """INVESTMORE and SIP, once or some times over."""
        basket, chosen, held = managed
        target = composition(shares=chosen, prices=basket.prices)
        for paise in amounts:
            bought = top_up(amount=paise * PAISA, held=held, weights=target, prices=basket.prices)
            held = added(held, bought)

            assert {ticker for ticker in bought if not chosen[ticker]} == set()
            assert 0 <= worth(bought, basket.prices) <= paise * PAISA
            assert min(bought.values(), default=1) >= 1


class TestManage:
    def test_is_the_differences_with_the_sells_first(self) -> None:
        legs = manage(held={"INFY": 5, "TCS": 2, "ITC": 1, "MRF": 1}, wanted={"NEW": 4, "INFY": 6, "TCS": 1, "MRF": 1})

        assert legs == [
            Leg("TCS", Side.SELL, 1),
            Leg("ITC", Side.SELL, 1),
            Leg("INFY", Side.BUY, 1),
            Leg("NEW", Side.BUY, 4),
        ]

    @often
    @given(st.dictionaries(st.text(max_size=2), COUNTS), st.dictionaries(st.text(max_size=2), COUNTS))
    def test_ends_at_what_was_wanted(self, held: dict[str, int], wanted: dict[str, int]) -> None:
        then = after(held, manage(held=held, wanted=wanted))

        assert then | wanted == {ticker: wanted.get(ticker, 0) for ticker in then | wanted}
        assert min((leg.shares for leg in manage(held=held, wanted=wanted)), default=1) >= 1


def sold_of(sell: Callable[[], list[Leg]]) -> dict[str, int]:
    """Shares by name; none where it is too little to sell a share."""
    try:
        legs = sell()
    except TooLittleToSell:
        return {}
    assert all(leg.side is Side.SELL and leg.shares > 0 for leg in legs)
    return {leg.ticker: leg.shares for leg in legs}


def sold_by_amount(basket: Basket, amount: Decimal) -> dict[str, int]:
    return sold_of(lambda: exit_amount(held=basket.held, prices=basket.prices, amount=amount))


@st.composite
def few_names(draw: st.DrawFn) -> Basket:
    """Up to ten names of few shares, at prices that seldom add up evenly."""
    lines = draw(st.lists(st.tuples(PRICES, st.integers(0, 30)), min_size=1, max_size=10))
    named = {f"N{number}": line for number, line in enumerate(lines)}
    return Basket(
        weights={},
        prices={ticker: price for ticker, (price, _) in named.items()},
        held={ticker: shares for ticker, (_, shares) in named.items()},
        amount=Decimal(0),
    )


def combinations_of(basket: Basket, amount: Decimal) -> Iterator[int]:
    """A second implementation: the proceeds in paise of every combination within quota, except everything."""
    part = Fraction(amount) / Fraction(basket.value)
    held = list(basket.held.values())
    choices = [sorted({floor(part * shares), ceil(part * shares)}) for shares in held]
    prices = [int(price * 100) for price in basket.prices.values()]
    return (
        sum(price * count for price, count in zip(prices, shares, strict=True))
        for shares in product(*choices)
        if list(shares) != held
    )


class TestExitWhole:
    def test_sells_all_and_nothing_of_nothing(self) -> None:
        assert exit_whole(held={"INFY": 5, "TCS": 0, "ITC": 1}) == [Leg("INFY", Side.SELL, 5), Leg("ITC", Side.SELL, 1)]


class TestExitPercent:
    def test_is_a_part_of_the_value_and_not_of_each_name(self) -> None:
        held, prices = {"INFY": 9, "TCS": 4, "ITC": 2}, dict.fromkeys(("INFY", "TCS", "ITC"), Decimal(100))

        # Of ₹1,500; each name rounded down sells nothing, and ₹1,200.
        assert exit_percent(held=held, prices=prices, percent=10) == [Leg("INFY", Side.SELL, 1)]
        assert total(exit_percent(held=held, prices=prices, percent=90), Side.SELL, prices) == 1_300

    @pytest.mark.parametrize("held", [{}, {"INFY": 0}])
    def test_is_nothing_where_nothing_is_held(self, held: dict[str, int]) -> None:
        assert exit_percent(held=held, prices={"INFY": Decimal(1)}, percent=100) == []

    @often
    @given(BASKETS)
    def test_of_100_leaves_nothing(self, basket: Basket) -> None:
        then = after(basket.held, exit_percent(held=basket.held, prices=basket.prices, percent=100))

        assert not any(then.values())

    @often
    @given(BASKETS, st.integers(1, 99))
    def test_is_that_part_of_the_value_by_amount(self, basket: Basket, percent: int) -> None:
        by_percent = sold_of(lambda: exit_percent(held=basket.held, prices=basket.prices, percent=percent))

        assert by_percent == sold_by_amount(basket, basket.value * percent / 100)


class TestExitAmount:
    def test_sells_in_proportion(self) -> None:
        legs = exit_amount(
            held={"INFY": 10, "TCS": 20}, prices={"INFY": Decimal(100), "TCS": Decimal(50)}, amount=Decimal(1000)
        )

        assert legs == [Leg("INFY", Side.SELL, 5), Leg("TCS", Side.SELL, 10)]

    def test_sells_a_share_too_many_where_that_is_nearer(self) -> None:
        held, prices = {"INFY": 10}, {"INFY": Decimal(100)}

        assert exit_amount(held=held, prices=prices, amount=Decimal(251)) == [Leg("INFY", Side.SELL, 3)]
        assert exit_amount(held=held, prices=prices, amount=Decimal(250)) == [Leg("INFY", Side.SELL, 2)]

    def test_from_the_whole_value_on_sells_all(self) -> None:
        held, prices = {"INFY": 10, "TCS": 1}, {"INFY": Decimal(100), "TCS": Decimal(50)}

        assert exit_amount(held=held, prices=prices, amount=Decimal(1050)) == exit_whole(held=held)

    @pytest.mark.parametrize(("held", "amount"), [({"INFY": 10}, 50), ({"INFY": 1}, 99), ({"INFY": 1}, 1)])
    def test_of_too_little_for_a_share_is_refused(self, held: dict[str, int], amount: int) -> None:
        with pytest.raises(TooLittleToSell, match=r"^This "):
            exit_amount(held=held, prices={"INFY": Decimal(100)}, amount=Decimal(amount))

    def test_says_which_share_is_the_cheapest(self) -> None:
        with pytest.raises(TooLittleToSell, match=r"The cheapest is ITC at ₹40\.50"):
            exit_amount(
                held={"INFY": 10, "ITC": 3, "TCS": 0},
                prices={"INFY": Decimal(100), "ITC": Decimal("40.50"), "TCS": Decimal(1)},
                amount=Decimal("20.25"),
            )

    @thoroughly
    @given(BASKETS, st.integers(0, 1_100))
    def test_sells_each_name_within_a_share_of_its_part_and_never_more_than_held(
        self, basket: Basket, permille: int
    ) -> None:
        sold = sold_by_amount(basket, basket.value * permille / 1_000)

        for ticker, shares in basket.held.items():
            assert abs(sold.get(ticker, 0) - Fraction(min(permille, 1_000) * shares, 1_000)) < 1
            assert 0 <= sold.get(ticker, 0) <= shares

    @often
    @given(BASKETS, st.integers(0, 999))
    def test_never_sells_everything_below_the_whole_value(self, basket: Basket, permille: int) -> None:
        assume(basket.value)
        sold = sold_by_amount(basket, basket.value * permille / 1_000)

        assert sold != {ticker: shares for ticker, shares in basket.held.items() if shares}

    @often
    @given(few_names(), st.integers(1, 9_999))
    def test_no_other_combination_within_quota_is_nearer(self, basket: Basket, part: int) -> None:
        amount = rupees(basket.value * part / 10_000)
        assume(0 < amount < basket.value)
        sold = sold_by_amount(basket, amount)

        off = abs(amount - worth(sold, basket.prices))
        assert off * 100 == min(abs(int(amount * 100) - one) for one in combinations_of(basket, amount))

    @often
    @given(LARGE, st.integers(0, 999))
    def test_of_many_names_is_off_by_less_than_the_dearest_share(self, basket: Basket, permille: int) -> None:
        assume(basket.value)
        amount = basket.value * permille / 1_000
        off = abs(amount - worth(sold_by_amount(basket, amount), basket.prices))

        assert off < max(basket.prices[ticker] for ticker, shares in basket.held.items() if shares)
