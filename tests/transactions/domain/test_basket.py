from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.ports.broker import OrderType, Side, Validity
from gateway.values.errors import Invalid
from transactions.domain.basket import Security, line_of, securities_of, settled

RUPEES = st.none() | st.decimals("0.01", "9999999999.99", places=2)
SECURITIES = st.builds(
    Security,
    ticker=st.from_regex(r"[A-Z0-9][A-Z0-9&-]{0,19}", fullmatch=True),
    quantity=st.none() | st.integers(1, 1_000_000),
    side=st.none() | st.sampled_from(Side),
    order_type=st.sampled_from(OrderType),
    validity=st.sampled_from(Validity),
    price=RUPEES,
    trigger_price=RUPEES,
)


class TestLineOf:
    @pytest.mark.parametrize(
        ("security", "line"),
        [
            (Security("INFY"), {"ticker": "INFY"}),
            (Security("INFY", 10, Side.BUY), {"ticker": "INFY", "quantity": 10, "type": "BUY"}),
            (
                Security("TCS", 5, Side.SELL, OrderType.LIMIT, Validity.IOC, Decimal("2473.70")),
                {
                    "ticker": "TCS",
                    "quantity": 5,
                    "type": "SELL",
                    "orderType": "LIMIT",
                    "validity": "IOC",
                    "price": 2473.7,
                },
            ),
            (
                Security("TCS", 5, Side.BUY, OrderType.SL, price=Decimal("2480"), trigger_price=Decimal("2475.10")),
                {
                    "ticker": "TCS",
                    "quantity": 5,
                    "type": "BUY",
                    "orderType": "SL",
                    "validity": "DAY",
                    "price": 2480,
                    "triggerPrice": 2475.1,
                },
            ),
            (Security("INFY", validity=Validity.IOC), {"ticker": "INFY", "orderType": "MARKET", "validity": "IOC"}),
        ],
    )
    def test_spells_what_was_given_and_nothing_more(self, security: Security, line: dict[str, Any]) -> None:
        assert line_of(security) == line


class TestSecuritiesOf:
    @given(st.lists(SECURITIES, max_size=4))
    def test_reads_back_what_line_of_wrote(self, basket: list[Security]) -> None:
        assert securities_of({"securities": [line_of(security) for security in basket]}) == basket

    def test_is_empty_where_there_is_no_basket(self) -> None:
        assert securities_of({"batchId": "0" * 24, "ticker": "INFY"}) == []


class TestSettled:
    @pytest.mark.parametrize(("side", "settles"), [(Side.BUY, False), (Side.SELL, True)])
    def test_refuses_a_chosen_side_that_a_stop_contradicts(self, *, side: Side, settles: bool) -> None:
        """A limit below the trigger is a sale's."""
        basket = [Security("TCS", None, None, OrderType.SL, price=Decimal(2470), trigger_price=Decimal(2475))]
        chosen = {"TCS": Security("TCS", 1, side)}

        if settles:
            assert [line.side for line in settled(basket, chosen)] == [side]
        else:
            with pytest.raises(Invalid, match="TCS: price: of a buy must be at the triggerPrice, 2475, or above it"):
                settled(basket, chosen)
