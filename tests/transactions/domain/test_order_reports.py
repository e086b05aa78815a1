"""The effect of a broker's reports, and of missing reports, on an order."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.ports.broker import BrokerStatus, Report
from brokers.ports.order_limits import Slice
from transactions.domain.order_reports import (
    UNKNOWN_OUTCOME_CODE,
    UNKNOWN_OUTCOME_MESSAGE,
    OrderState,
    apply_report,
    is_credible,
    latest_report,
)
from transactions.domain.statuses import ORDER_MOVES, OrderStatus

NOW = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
UNREPORTED_LIMIT = timedelta(seconds=5)
PRICE = Decimal("1180.5000")
S, W = OrderStatus, BrokerStatus
PLACED = OrderState(status=S.PLACED, quantity=10)
HALF = replace(PLACED, filled_quantity=5, average_price=PRICE)
LOST = replace(
    PLACED,
    status=S.ERROR,
    error_code=UNKNOWN_OUTCOME_CODE,
    status_message=UNKNOWN_OUTCOME_MESSAGE,
    unreported_since=NOW,
)
WISHED = replace(PLACED, cancel_wished=True)


def report(status: BrokerStatus, filled: int = 0, price: Decimal | None = None, code: str | None = None) -> Report:
    return Report("ref", status, filled, price or (PRICE if filled else None), "1100", error_code=code)


def slices(*shares: tuple[int, int]) -> list[Slice]:
    """Quantity and filled shares of each."""
    return [Slice(f"110{n}", size, filled, PRICE if filled else None) for n, (size, filled) in enumerate(shares)]


def heard(state: OrderState, said: Report | None, *, at: datetime = NOW) -> OrderState:
    return apply_report(state, said, now=at, unreported_limit=UNREPORTED_LIMIT)


class TestSeveralWordsOnOneOrder:
    @pytest.mark.parametrize(
        ("older", "newer"),
        [
            (report(W.OPEN), report(W.OPEN, 4)),
            (report(W.OPEN, 4), report(W.COMPLETE, 10)),
            (report(W.OPEN, 4), report(W.CANCELLED, 4)),
            (report(W.OPEN, 4), report(W.REJECTED)),
        ],
    )
    def test_count_as_the_one_that_came_furthest(self, older: Report, newer: Report) -> None:
        assert latest_report([older, newer]) == latest_report([newer, older]) == {"ref": newer}

    def test_are_told_apart_by_their_order(self) -> None:
        another = replace(report(W.COMPLETE, 10), ref="another")

        assert latest_report([report(W.OPEN), another]) == {"ref": report(W.OPEN), "another": another}

    def test_are_none_where_nothing_was_said(self) -> None:
        assert latest_report([]) == {}


class TestACredibleWord:
    @pytest.mark.parametrize(
        ("state", "said", "becomes"),
        [
            (PLACED, report(W.OPEN), S.PLACED),
            (PLACED, report(W.OPEN, 4), S.PLACED),
            (PLACED, report(W.COMPLETE, 10), S.COMPLETE),
            (HALF, report(W.COMPLETE, 10), S.COMPLETE),
            (PLACED, report(W.REJECTED, code="marginsExceeded"), S.REJECTED),
            (PLACED, report(W.CANCELLED, code="orderUnmatched"), S.CANCELLED),
            (PLACED, report(W.CANCELLED, 4), S.PARTIAL),
            (HALF, report(W.CANCELLED, 5), S.PARTIAL),
            (WISHED, report(W.OPEN), S.PLACED),
            (WISHED, report(W.CANCELLED), S.CANCELLED_AMO),
            (WISHED, report(W.CANCELLED, 4), S.PARTIAL),
            (WISHED, report(W.COMPLETE, 10), S.COMPLETE),
            (LOST, report(W.COMPLETE, 10), S.COMPLETE),
            (LOST, report(W.CANCELLED, 3), S.PARTIAL),
            (LOST, report(W.CANCELLED), S.CANCELLED),
            (LOST, report(W.REJECTED), S.REJECTED),
            (replace(LOST, cancel_wished=True), report(W.CANCELLED), S.CANCELLED),
        ],
    )
    def test_makes_of_the_order_what_it_says(self, state: OrderState, said: Report, becomes: OrderStatus) -> None:
        after = heard(state, said)

        assert after == OrderState(
            status=becomes,
            quantity=10,
            filled_quantity=said.filled_quantity,
            average_price=said.average_price,
            exchange_order_id="1100",
            error_code=said.error_code,
            cancel_wished=state.cancel_wished,
        )

    @pytest.mark.parametrize("filled", [0, 3])
    def test_that_an_order_in_error_is_open_leaves_it_in_error_with_its_reason(self, filled: int) -> None:
        after = heard(LOST, report(W.OPEN, filled))

        assert (after.status, after.filled_quantity) == (S.ERROR, filled)
        assert (after.error_code, after.status_message) == (UNKNOWN_OUTCOME_CODE, UNKNOWN_OUTCOME_MESSAGE)

    def test_ends_the_time_without_reports(self) -> None:
        assert heard(replace(PLACED, unreported_since=NOW), report(W.OPEN)).unreported_since is None

    def test_brings_the_slices_of_the_order_which_a_later_one_without_them_keeps(self) -> None:
        sliced = heard(PLACED, replace(report(W.OPEN, 4), slices=slices((6, 4), (4, 0))))

        assert sliced.slices == [
            {"exchange_order_id": "1100", "quantity": 6, "filled_quantity": 4, "average_price": "1180.5000"},
            {"exchange_order_id": "1101", "quantity": 4, "filled_quantity": 0, "average_price": None},
        ]
        assert heard(sliced, report(W.OPEN, 4)).slices == sliced.slices

    def test_does_not_unlearn_the_exchange_order_id(self) -> None:
        known = replace(PLACED, exchange_order_id="1100")

        assert heard(known, replace(report(W.OPEN), exchange_order_id=None)).exchange_order_id == "1100"


class TestAWordThatCannotBe:
    WORDS = (
        pytest.param(HALF, report(W.OPEN, 4), id="the fills shrink"),
        pytest.param(HALF, report(W.CANCELLED), id="the fills vanish"),
        pytest.param(PLACED, report(W.COMPLETE, 11), id="more than was ordered"),
        pytest.param(PLACED, report(W.COMPLETE), id="complete without a fill"),
        pytest.param(PLACED, report(W.COMPLETE, 9), id="complete but not whole"),
        pytest.param(PLACED, report(W.OPEN, 10), id="open but whole"),
        pytest.param(PLACED, report(W.CANCELLED, 10), id="cancelled but whole"),
        pytest.param(PLACED, report(W.REJECTED, 1), id="rejected with a fill"),
        pytest.param(PLACED, report(W.OPEN, -1), id="less than nothing"),
        pytest.param(PLACED, replace(report(W.OPEN, 4), average_price=None), id="a fill without a price"),
        pytest.param(PLACED, report(W.OPEN, 4, Decimal(0) + Decimal("-0.01")), id="a fill at less than nothing"),
        pytest.param(PLACED, replace(report(W.OPEN), average_price=PRICE), id="a price without a fill"),
        pytest.param(PLACED, replace(report(W.OPEN, 4), slices=slices((6, 4), (3, 0))), id="slices of fewer shares"),
        pytest.param(PLACED, replace(report(W.OPEN, 4), slices=slices((6, 3), (4, 0))), id="slices that filled less"),
    )

    @pytest.mark.parametrize(("state", "said"), WORDS)
    def test_is_not_believed(self, state: OrderState, said: Report) -> None:
        assert not is_credible(state, said)

    @pytest.mark.parametrize(("state", "said"), WORDS)
    def test_counts_as_no_report(self, state: OrderState, said: Report) -> None:
        assert heard(state, said) == replace(state, unreported_since=NOW)

    @pytest.mark.parametrize("status", [S.COMPLETE, S.PARTIAL, S.REJECTED, S.CANCELLED, S.CANCELLED_AMO, S.UNPLACED])
    @pytest.mark.parametrize("said", [report(W.OPEN), report(W.COMPLETE, 10), report(W.REJECTED), None])
    def test_does_not_change_corrected_orders(self, status: OrderStatus, said: Report | None) -> None:
        settled = OrderState(status=status, quantity=10)

        assert heard(settled, said, at=NOW + timedelta(days=1)) == settled


class TestSilence:
    def test_is_counted_from_its_first_moment(self) -> None:
        assert heard(PLACED, None) == replace(PLACED, unreported_since=NOW)

    def test_is_borne_until_the_limit_is_over(self) -> None:
        silent = replace(PLACED, unreported_since=NOW)

        assert heard(silent, None, at=NOW + UNREPORTED_LIMIT - timedelta(microseconds=1)) == silent

    def test_is_an_error_once_the_limit_is_over(self) -> None:
        assert heard(replace(PLACED, unreported_since=NOW), None, at=NOW + UNREPORTED_LIMIT) == LOST

    def test_keeps_what_had_filled(self) -> None:
        after = heard(replace(HALF, unreported_since=NOW), None, at=NOW + UNREPORTED_LIMIT)

        assert (after.status, after.filled_quantity, after.average_price) == (S.ERROR, 5, PRICE)

    def test_reports_nothing_new_of_an_order_in_error(self) -> None:
        assert heard(LOST, None, at=NOW + timedelta(hours=1)) == LOST


class TestAnyStory:
    WORDS = st.builds(
        Report,
        ref=st.just("ref"),
        status=st.sampled_from(W),
        filled_quantity=st.integers(-1, 11),
        average_price=st.none() | st.decimals("0.01", "100", places=2),
        exchange_order_id=st.none() | st.just("1100"),
        error_code=st.none() | st.just("orderUnmatched"),
    )

    @given(st.lists(st.none() | WORDS, max_size=12), st.booleans())
    def test_keeps_to_the_table_and_never_loses_a_fill(self, story: list[Report | None], wished: bool) -> None:
        state = [replace(PLACED, cancel_wished=wished)]
        for second, said in enumerate(story):
            state.append(heard(state[-1], said, at=NOW + timedelta(seconds=second)))

        steps = list(itertools.pairwise(state))
        assert all(b.status is a.status or b.status in ORDER_MOVES[a.status] for a, b in steps)
        assert all(a.filled_quantity <= b.filled_quantity <= 10 for a, b in steps)
        assert all((f.filled_quantity == 10) == (f.status is S.COMPLETE) for f in state)
        assert all((f.filled_quantity > 0) == (f.average_price is not None) for f in state)
