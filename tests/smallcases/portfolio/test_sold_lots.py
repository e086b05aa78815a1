"""Sold shares by purchase, first in, first out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings

from brokers.ports.broker import Side
from smallcases.portfolio.ledger import Fill, Oversold, positions
from smallcases.portfolio.sold_lots import SoldLot, sold_lots
from tests.examples import examples
from tests.smallcases.portfolio.test_ledger import histories

MORNING = datetime(2026, 1, 5, 4, tzinfo=UTC)


def fill(side: Side, shares: int, price: str, *, day: int, ticker: str = "TCS") -> Fill:
    return Fill(ticker, side, shares, Decimal(price), MORNING + timedelta(days=day))


class TestASale:
    def test_sells_the_shares_that_were_bought_first(self) -> None:
        fills = [
            fill(Side.BUY, 10, "100", day=0),
            fill(Side.BUY, 10, "120", day=30),
            fill(Side.SELL, 15, "150", day=40),
        ]

        assert sold_lots(fills) == [
            SoldLot("TCS", 10, date(2026, 1, 5), date(2026, 2, 14), Decimal(1_000), Decimal(1_500)),
            SoldLot("TCS", 5, date(2026, 2, 4), date(2026, 2, 14), Decimal(600), Decimal(750)),
        ]

    def test_leaves_the_rest_of_a_purchase_for_the_next_sale(self) -> None:
        sales = [fill(Side.SELL, 4, "110", day=1), fill(Side.SELL, 6, "90", day=2)]

        lots = sold_lots([fill(Side.BUY, 10, "100", day=0), *sales])

        assert [(lot.shares, lot.gain, lot.days_held) for lot in lots] == [(4, Decimal(40), 1), (6, Decimal(-60), 2)]

    def test_is_dated_by_the_day_in_india(self) -> None:
        after_midnight = datetime(2026, 1, 5, 18, 45, tzinfo=UTC)

        (lot,) = sold_lots([fill(Side.BUY, 1, "100", day=0), Fill("TCS", Side.SELL, 1, Decimal(100), after_midnight)])

        assert (lot.bought_on, lot.sold_on, lot.days_held) == (date(2026, 1, 5), date(2026, 1, 6), 1)

    def test_before_its_purchase_was_held_for_no_day(self) -> None:
        """A test gateway's clock was put back in between."""
        (lot,) = sold_lots([fill(Side.BUY, 1, "100", day=9), fill(Side.SELL, 1, "100", day=0)])

        assert lot.days_held == 0

    def test_of_more_than_was_bought_is_an_error(self) -> None:
        with pytest.raises(Oversold, match="1 of 2 TCS were sold, but not held"):
            sold_lots([fill(Side.BUY, 1, "100", day=0), fill(Side.SELL, 2, "100", day=1)])


@settings(max_examples=examples(30, long=1_000), deadline=None)
@given(histories())
def test_lots_of_names_without_shares_left_gain_what_the_ledger_realised(fills: list[Fill]) -> None:
    lots, books = sold_lots(fills), positions(fills)

    for ticker, book in books.items():
        mine = [lot for lot in lots if lot.ticker == ticker]
        sold = sum(fill.shares for fill in fills if fill.ticker == ticker and fill.side is Side.SELL)
        assert sum(lot.shares for lot in mine) == sold
        if not book.shares:
            assert abs(sum((lot.gain for lot in mine), Decimal(0)) - book.realized_returns) < Decimal("1e-12")
