"""The tables against a second opinion, written by hand from contract §3.2 and §4."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transactions.domain.statuses import (
    FINAL_BATCH,
    FIXABLE,
    OPEN,
    ORDER_MOVES,
    UNFINISHED_BATCH,
    BatchStatus,
    IllegalMove,
    OrderStatus,
    TransactionStatus,
    batch_status,
    move,
)

S, B, T = OrderStatus, BatchStatus, TransactionStatus
Orders = Sequence[tuple[OrderStatus, int]]

ALLOWED = {
    ("QUEUED", "PLACED"),
    ("QUEUED", "UNPLACED"),
    ("QUEUED", "ERROR"),
    ("PLACED", "ERROR"),
    ("PLACED", "COMPLETE"),
    ("PLACED", "PARTIAL"),
    ("PLACED", "REJECTED"),
    ("PLACED", "CANCELLED"),
    ("PLACED", "CANCELLED AMO"),
    ("ERROR", "COMPLETE"),
    ("ERROR", "PARTIAL"),
    ("ERROR", "REJECTED"),
    ("ERROR", "CANCELLED"),
}
FORBIDDEN = sorted(set(product(map(str, S), map(str, S))) - ALLOWED)

C, P, R, X, A = (S.COMPLETE, 10), (S.PARTIAL, 4), (S.REJECTED, 0), (S.CANCELLED, 0), (S.CANCELLED_AMO, 0)
E, E4, L, L4, U, Q = (S.ERROR, 0), (S.ERROR, 4), (S.PLACED, 0), (S.PLACED, 4), (S.UNPLACED, 0), (S.QUEUED, 0)
FOLDS: list[tuple[BatchStatus, Orders]] = [
    (B.QUEUED, [Q]),
    (B.QUEUED, [Q, Q]),
    (B.ERROR, [E]),
    (B.ERROR, [E4]),
    (B.ERROR, [C, E]),
    (B.ERROR, [E, U]),
    (B.ERROR, [E, A, X, R, P, C]),
    (B.PLACED, [L]),
    (B.PLACED, [L4]),
    (B.PLACED, [L, C]),
    (B.PLACED, [L, E]),
    (B.PLACED, [R, L, A]),
    (B.PARTIALLYPLACED, [L, U]),
    (B.PARTIALLYPLACED, [U, C, L]),
    (B.PARTIALLYPLACED, [U, E, L]),
    (B.COMPLETED, [C]),
    (B.COMPLETED, [C, C]),
    (B.PARTIALLYFILLED, [P]),
    (B.PARTIALLYFILLED, [C, R]),
    (B.PARTIALLYFILLED, [C, X]),
    (B.PARTIALLYFILLED, [C, A]),
    (B.PARTIALLYFILLED, [C, U]),
    (B.PARTIALLYFILLED, [P, A]),
    (B.UNFILLED, [R]),
    (B.UNFILLED, [X]),
    (B.UNFILLED, [R, X]),
    (B.UNFILLED, [R, A]),
    (B.UNFILLED, [X, A]),
    (B.UNFILLED, [R, U]),
    (B.UNPLACED, [U]),
    (B.UNPLACED, [U, U]),
    (B.CANCELLED, [A]),
    (B.CANCELLED, [A, A]),
    (B.CANCELLED, [A, U]),
]


def some(orders: Orders, *wanted: OrderStatus) -> bool:
    return any(status in wanted for status, _ in orders)


def only(orders: Orders, *wanted: OrderStatus) -> bool:
    return all(status in wanted for status, _ in orders)


def is_settled(orders: Orders) -> bool:
    return not some(orders, S.PLACED, S.ERROR)


def shares(orders: Orders) -> int:
    return sum(filled for _, filled in orders)


# The rows of contract §4, each a predicate of its own.
ROWS: Mapping[BatchStatus, Callable[[Orders], bool]] = {
    B.ERROR: lambda o: some(o, S.ERROR) and not some(o, S.PLACED),
    B.PLACED: lambda o: some(o, S.PLACED) and not some(o, S.UNPLACED),
    B.PARTIALLYPLACED: lambda o: some(o, S.PLACED) and some(o, S.UNPLACED),
    B.COMPLETED: lambda o: only(o, S.COMPLETE),
    B.PARTIALLYFILLED: lambda o: is_settled(o) and shares(o) > 0 and not only(o, S.COMPLETE),
    B.UNFILLED: lambda o: is_settled(o) and shares(o) == 0 and not only(o, S.UNPLACED, S.CANCELLED_AMO),
    B.UNPLACED: lambda o: only(o, S.UNPLACED),
    B.CANCELLED: lambda o: only(o, S.UNPLACED, S.CANCELLED_AMO) and some(o, S.CANCELLED_AMO),
}
ANY_ORDER = st.sampled_from([C, P, R, X, A, E, E4, L, L4, U])


class TestMove:
    @pytest.mark.parametrize(("current", "target"), sorted(ALLOWED))
    def test_goes_where_the_contract_says(self, current: str, target: str) -> None:
        assert move(S(current), S(target)) is S(target)

    @pytest.mark.parametrize(("current", "target"), FORBIDDEN)
    def test_goes_nowhere_else(self, current: str, target: str) -> None:
        with pytest.raises(IllegalMove, match=f"{current} cannot become {target}"):
            move(S(current), S(target))

    def test_has_a_line_for_every_status(self) -> None:
        assert set(ORDER_MOVES) == set(S)


class TestBatchStatus:
    @pytest.mark.parametrize(("expected", "orders"), FOLDS)
    def test_is_the_row_of_the_contract(self, expected: BatchStatus, orders: Orders) -> None:
        assert batch_status(orders) is expected

    @given(st.lists(ANY_ORDER, min_size=1, max_size=6))
    def test_is_the_one_row_that_holds(self, orders: Orders) -> None:
        assert [row for row, holds in ROWS.items() if holds(orders)] == [batch_status(orders)]

    @given(st.lists(ANY_ORDER, min_size=1, max_size=6))
    def test_does_not_depend_on_the_order_of_the_basket(self, orders: list[tuple[OrderStatus, int]]) -> None:
        assert batch_status(list(reversed(orders))) is batch_status(orders)

    @given(st.lists(ANY_ORDER, max_size=5))
    def test_is_queued_or_partly_placed_while_one_is_not_sent(self, orders: list[tuple[OrderStatus, int]]) -> None:
        is_reached = any(status not in {S.QUEUED, S.UNPLACED} for status, _ in orders)
        assert batch_status([*orders, Q]) is (B.PARTIALLYPLACED if is_reached else B.QUEUED)


class TestTheSets:
    def test_name_the_open_orders(self) -> None:
        assert {S.QUEUED, S.PLACED} == OPEN

    def test_name_the_batches_that_have_ended(self) -> None:
        assert set(B) - FINAL_BATCH == {B.QUEUED, B.PLACED, B.PARTIALLYPLACED, B.ERROR}

    def test_name_the_batches_that_fell_short(self) -> None:
        assert {B.COMPLETED, B.MARKEDCOMPLETE} == FINAL_BATCH - UNFINISHED_BATCH


def test_a_fix_orders_again_what_ended_unfilled_against_the_users_wish() -> None:
    not_again = {S.QUEUED, S.PLACED, S.ERROR, S.COMPLETE, S.CANCELLED_AMO}

    assert set(S) - not_again == FIXABLE
