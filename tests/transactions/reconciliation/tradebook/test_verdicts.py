"""Every verdict, and what may be done about it."""

from decimal import Decimal

import pytest

from transactions.domain.order_reports import OrderState
from transactions.domain.statuses import OrderStatus
from transactions.reconciliation.tradebook.verdicts import (
    KnownOrder,
    RowVerdict,
    Ruling,
    Traded,
    outcome_of,
    verdict_of,
)

LOST = OrderState(OrderStatus.ERROR, 10)
WHOLE = Traded("INFY", "BUY", 10, Decimal(15000))
PART = Traded("INFY", "BUY", 4, Decimal(6000))
NONE = Traded("INFY", "BUY", 0, Decimal(0))
DONE = OrderState(OrderStatus.COMPLETE, 10, 10, Decimal("1500.0000"), "1")
REJECTED = OrderState(OrderStatus.REJECTED, 10, error_code="otherError")


def ruling(traded: Traded, state: OrderState, *, by_tradebook: bool = False) -> Ruling:
    return verdict_of(traded, KnownOrder("INFY", "BUY", state, by_tradebook=by_tradebook))


class TestVerdicts:
    @pytest.mark.parametrize(
        ("traded", "state", "verdict", "can_be_applied"),
        [
            (WHOLE, LOST, RowVerdict.EXACT, True),
            (PART, LOST, RowVerdict.PARTIAL, True),
            (NONE, LOST, RowVerdict.ZERO_FILL, True),
            (WHOLE, DONE, RowVerdict.FINAL, False),
            (NONE, REJECTED, RowVerdict.FINAL, False),
            (PART, DONE, RowVerdict.CONTRADICTS, True),
            (WHOLE, REJECTED, RowVerdict.CONTRADICTS, True),
            (Traded("INFY", "BUY", 10, Decimal(15001)), DONE, RowVerdict.CONTRADICTS, True),
            (Traded("INFY", "BUY", 11, Decimal(15000)), LOST, RowVerdict.CONTRADICTS, False),
            (Traded("TCS", "BUY", 10, Decimal(15000)), LOST, RowVerdict.CONTRADICTS, False),
            (Traded("INFY", "SELL", 10, Decimal(15000)), LOST, RowVerdict.CONTRADICTS, False),
            (Traded("INFY", "BUY", 10, Decimal(15000), "Twice."), LOST, RowVerdict.CONTRADICTS, False),
            (PART, OrderState(OrderStatus.ERROR, 10, 6, Decimal(1500), "1"), RowVerdict.CONTRADICTS, False),
            (WHOLE, OrderState(OrderStatus.PLACED, 10), RowVerdict.OPEN, False),
        ],
    )
    def test_are_found_by_laying_book_and_order_side_by_side(
        self, traded: Traded, state: OrderState, verdict: RowVerdict, can_be_applied: bool
    ) -> None:
        found = ruling(traded, state)

        assert (found.verdict, found.can_be_applied) == (verdict, can_be_applied)

    def test_of_an_order_corrected_from_a_tradebook_is_duplicate(self) -> None:
        assert ruling(WHOLE, DONE, by_tradebook=True).verdict is RowVerdict.DUPLICATE

    def test_of_no_order_is_unknown(self) -> None:
        assert verdict_of(WHOLE, None).verdict is RowVerdict.UNKNOWN

    def test_say_what_differs(self) -> None:
        assert ruling(PART, DONE).difference == (
            "The tradebook has 4 at 1500.0000; the order is COMPLETE with 10 at 1500.0000."
        )


class TestTruth:
    @pytest.mark.parametrize(
        ("traded", "status", "price"),
        [
            (WHOLE, OrderStatus.COMPLETE, Decimal(1500)),
            (PART, OrderStatus.PARTIAL, Decimal(1500)),
            (NONE, OrderStatus.CANCELLED, None),
        ],
    )
    def test_is_what_was_traded(self, traded: Traded, status: OrderStatus, price: Decimal | None) -> None:
        outcome = outcome_of(traded, 10, order_no="77")

        assert (outcome.status, outcome.filled_quantity, outcome.average_price) == (status, traded.quantity, price)

    def test_of_several_trades_is_their_weighted_average(self) -> None:
        assert Traded("INFY", "BUY", 3, Decimal("100") + 2 * Decimal("101")).average_price == Decimal("100.6667")
