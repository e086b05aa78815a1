"""An order above the limit of a broker that takes no slices is refused, with the limit named."""

from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.ports.broker import OrderType, Side
from brokers.ports.registry import profile_of
from gateway.models import Account
from transactions.domain.basket import Security
from transactions.lifecycle.order_limits import limit_problem, limit_problems

GROWW = profile_of("groww")
INFY = Security("INFY", 100_001, Side.BUY)
LIMITED = replace(INFY, quantity=100_000, order_type=OrderType.LIMIT, price=Decimal("1000.10"))
SENTENCE = "Groww takes at most 1,00,000 shares or ₹10,00,00,000 an order: INFY has 100,001 shares."


class TestLimitProblem:
    @pytest.mark.parametrize(
        ("quantity", "price", "too_large"),
        [(100_000, None, False), (100_001, None, True), (100_000, "1000", False), (100_000, "1000.10", True)],
    )
    def test_is_by_shares_and_by_value(self, *, quantity: int, price: str | None, too_large: bool) -> None:
        found = limit_problem(GROWW, INFY, quantity, Decimal(price) if price else None)

        assert bool(found) is too_large

    def test_names_the_limit(self) -> None:
        assert limit_problem(GROWW, INFY, 100_001, None) == SENTENCE

    def test_is_none_where_the_broker_takes_slices(self) -> None:
        assert limit_problem(profile_of("kite"), INFY, 1_000_000, Decimal(5_000)) is None


class TestLimitProblems:
    def test_name_the_securities_of_a_basket(self) -> None:
        account = Account(broker="groww")

        found = limit_problems(account, [Security("TCS"), INFY, LIMITED])

        assert [problem.split(":")[0] for problem in found] == [
            "orderConfig.securities[1].quantity",
            "orderConfig.securities[2].quantity",
        ]
