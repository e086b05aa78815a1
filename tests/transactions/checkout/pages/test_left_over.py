"""What the confirmation says where whole shares make another amount than was asked for."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brokers.market.charges import NOTHING as NO_CHARGES
from brokers.ports.broker import Side
from transactions.checkout.order_quote import OrderQuote, QuoteRequest
from transactions.checkout.pages.left_over import ENGLISH, left_over, nothing_bought, requested_amount
from transactions.domain.price_protection import QuotedOrder
from transactions.domain.smallcase_order import OrderKind, SmallcaseOrderRequest, SmallcaseSelections

PRICES = {"INFY": Decimal(1500), "ITC": Decimal(400)}
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def said(kind: OrderKind, side: Side, made: str, **chosen: object) -> str:
    selections = SmallcaseSelections(**chosen)  # type: ignore[arg-type]
    of = QuoteRequest(
        order_request=SmallcaseOrderRequest(kind, selections=selections),
        basket=[],
        prices=PRICES,
        names={},
        held={"INFY": 4, "ITC": 10},
        weights={"INFY": Decimal(60), "ITC": Decimal(40)},
    )
    nothing, amount = Decimal(0), Decimal(made)
    quote = OrderQuote(
        rows=[],
        quoted=QuotedOrder(PRICES, []),
        buys=amount if side is Side.BUY else nothing,
        sells=amount if side is Side.SELL else nothing,
        charges=NO_CHARGES,
        needed=nothing,
        funds=None,
        is_open=True,
        opens_at=None,
        as_of=NOW,
    )
    return left_over(of, selections, quote, requested_amount(of, selections, None))


class TestLeftOver:
    @pytest.mark.parametrize("kind", [OrderKind.BUY, OrderKind.INVESTMORE])
    def test_says_that_the_rest_is_less_than_the_cheapest_share(self, kind: OrderKind) -> None:
        assert said(kind, Side.BUY, "9964.20", amount=Decimal(10_000)) == (
            "You asked for ₹10,000.00; whole shares make ₹9,964.20, and ₹35.80 stay in your account: less than the "
            "cheapest share."
        )

    def test_says_why_a_share_is_not_bought_that_the_rest_would_pay_for(self) -> None:
        assert said(OrderKind.BUY, Side.BUY, "9600", amount=Decimal(10_000)).endswith(
            "₹400.00 stay in your account: another share would cost more or take a name above its weight."
        )

    def test_says_what_an_amount_becomes_that_is_sold(self) -> None:
        assert said(OrderKind.EXIT, Side.SELL, "4300", exit_amount=Decimal("4250.50")) == (
            "You asked for ₹4,250.50; whole shares make ₹4,300.00."
        )

    def test_says_what_a_percentage_is_in_rupees(self) -> None:
        assert said(OrderKind.EXIT, Side.SELL, "3100", exit_percent=33) == (
            "You asked for 33% of ₹10,000.00, which is ₹3,300.00; whole shares make ₹3,100.00."
        )

    @pytest.mark.parametrize(
        ("kind", "made", "chosen"),
        [
            (OrderKind.BUY, "10000", {"amount": Decimal(10_000)}),
            (OrderKind.EXIT, "5000", {"exit_percent": 50}),
            (OrderKind.EXIT, "10000", {"exit_percent": 100}),
            (OrderKind.EXIT, "10000", {}),
            (OrderKind.MANAGE, "300", {"shares": {"INFY": 1}}),
            (OrderKind.REBALANCE, "300", {"amount": Decimal(500)}),
        ],
    )
    def test_is_silent_where_nothing_differs_or_no_amount_was_asked_for(
        self, kind: OrderKind, made: str, chosen: dict[str, object]
    ) -> None:
        assert said(kind, Side.SELL if kind is OrderKind.EXIT else Side.BUY, made, **chosen) == ""

    def test_says_that_an_amount_buys_nothing(self) -> None:
        assert nothing_bought(Decimal(500)) == "₹500.00 buys no share: each name that is below its weight costs more."

    def test_is_one_sentence_each(self) -> None:
        assert all(text.count(". ") == 0 and text.endswith(".") for text in ENGLISH.values())
