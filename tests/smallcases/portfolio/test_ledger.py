"""The books of an investment: a few worked out by hand, and that they balance whatever was traded."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.ports.broker import Side
from smallcases.portfolio.ledger import Fill, Oversold, Position, Returns, holdings, positions, returns
from tests.examples import examples

OPENED = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
DUST = Decimal("1e-12")

often = settings(max_examples=examples(60, long=1_000), deadline=None)


def buy(ticker: str, shares: int, price: str) -> Fill:
    return Fill(ticker, Side.BUY, shares, Decimal(price), OPENED)


def sell(ticker: str, shares: int, price: str) -> Fill:
    return Fill(ticker, Side.SELL, shares, Decimal(price), OPENED)


@st.composite
def histories(draw: st.DrawFn) -> list[Fill]:
    """Buys and sells in any order, never more sold than held."""
    held = dict.fromkeys("ABC", 0)
    fills = []
    for minute in range(draw(st.integers(0, 15))):
        ticker = draw(st.sampled_from("ABC"))
        change = draw(st.integers(-held[ticker], 1_000).filter(bool))
        price = draw(st.integers(5, 15_000_000)) * Decimal("0.01")
        side = Side.BUY if change > 0 else Side.SELL
        fills.append(Fill(ticker, side, abs(change), price, OPENED + timedelta(minutes=minute)))
        held[ticker] += change
    return fills


def shares_of(fills: Sequence[Fill], side: Side, ticker: str) -> int:
    return sum(fill.shares for fill in fills if fill.side is side and fill.ticker == ticker)


def money(fills: Sequence[Fill], side: Side) -> Decimal:
    return sum((fill.shares * fill.price for fill in fills if fill.side is side), Decimal(0))


class TestPositions:
    def test_average_what_was_paid_by_shares(self) -> None:
        books = positions([buy("TCS", 1, "2000"), buy("ITC", 3, "400"), buy("TCS", 3, "2400")])

        assert books == {"TCS": Position(4, Decimal(2300)), "ITC": Position(3, Decimal(400))}

    def test_keep_the_average_through_a_sell(self) -> None:
        books = positions([buy("TCS", 4, "2300"), sell("TCS", 1, "2500"), sell("TCS", 1, "2000")])

        assert books == {"TCS": Position(2, Decimal(2300), Decimal(4600), Decimal(-100))}

    def test_start_a_new_average_after_the_last_share(self) -> None:
        books = positions([buy("TCS", 2, "2000"), sell("TCS", 2, "2100"), buy("TCS", 1, "2500")])

        assert books == {"TCS": Position(1, Decimal(2500), Decimal(4000), Decimal(200))}

    def test_remember_a_name_that_was_sold_whole(self) -> None:
        books = positions([buy("TCS", 2, "2000"), sell("TCS", 2, "2100")])

        assert books == {"TCS": Position(0, Decimal(2000), Decimal(4000), Decimal(200))}

    def test_do_not_round(self) -> None:
        books = positions([buy("TCS", 1, "100"), buy("TCS", 2, "100.05")])

        assert books["TCS"].average_price == Decimal("300.10") / 3

    @pytest.mark.parametrize(
        ("fills", "sentence"),
        [
            ([buy("TCS", 2, "2000"), sell("TCS", 3, "2100")], "3 TCS were sold, but 2 were held."),
            ([sell("TCS", 1, "2100"), buy("TCS", 2, "2000")], "1 TCS were sold, but 0 were held."),
            ([buy("ITC", 2, "400"), sell("TCS", 1, "2100")], "1 TCS were sold, but 0 were held."),
        ],
    )
    def test_refuse_a_sell_of_more_than_was_held(self, fills: list[Fill], sentence: str) -> None:
        with pytest.raises(Oversold) as refusal:
            positions(fills)

        assert refusal.value.sentences == (sentence,)

    @often
    @given(histories())
    def test_hold_what_was_bought_less_what_was_sold(self, fills: list[Fill]) -> None:
        assert {ticker: book.shares for ticker, book in positions(fills).items()} == {
            fill.ticker: shares_of(fills, Side.BUY, fill.ticker) - shares_of(fills, Side.SELL, fill.ticker)
            for fill in fills
        }

    @often
    @given(histories())
    def test_cost_what_was_paid(self, fills: list[Fill]) -> None:
        books = positions(fills).values()

        cost = sum((book.investment + book.realized_investment for book in books), Decimal(0))
        assert abs(cost - money(fills, Side.BUY)) < DUST * (1 + cost)

    @often
    @given(histories())
    def test_brought_in_what_was_received(self, fills: list[Fill]) -> None:
        books = positions(fills).values()

        proceeds = sum((book.realized_investment + book.realized_returns for book in books), Decimal(0))
        assert abs(proceeds - money(fills, Side.SELL)) < DUST * (1 + money(fills, Side.BUY))

    @often
    @given(histories())
    def test_average_between_the_lowest_and_the_highest_price_paid(self, fills: list[Fill]) -> None:
        paid = {
            ticker: [fill.price for fill in fills if fill.side is Side.BUY and fill.ticker == ticker]
            for ticker in positions(fills)
        }

        assert all(
            min(paid[ticker]) - DUST <= book.average_price <= max(paid[ticker]) + DUST
            for ticker, book in positions(fills).items()
        )


class TestHoldings:
    def test_are_the_names_with_shares_left(self) -> None:
        assert holdings([buy("TCS", 2, "2000"), buy("ITC", 5, "400"), sell("TCS", 2, "2100")]) == {"ITC": 5}


class TestReturns:
    def test_tell_the_held_from_the_sold(self) -> None:
        fills = [buy("TCS", 4, "2300"), buy("ITC", 10, "400"), sell("TCS", 1, "2500"), sell("ITC", 10, "390")]

        assert returns(fills, {"TCS": Decimal("2415.00")}) == Returns(
            networth=Decimal(7245),
            current_investment=Decimal(6900),
            realized_investment=Decimal(6300),
            unrealized_returns=Decimal(345),
            realized_returns=Decimal(100),
            total_returns=Decimal(445),
            unrealized_percent=Decimal(5),
            total_percent=Decimal("3.37"),  # 445 of 13,200
        )

    def test_round_only_the_sums(self) -> None:
        fills = [buy("TCS", 3, "33.34"), buy("ITC", 1, "0.01"), buy("ITC", 2, "0.02"), sell("ITC", 2, "0.01")]

        made = returns(fills, {"TCS": Decimal(33), "ITC": Decimal("0.02")})

        # an ITC cost 1.67 paise: 100.02 + 0.0167 held, 0.0333 sold
        assert made.current_investment == Decimal("100.04")
        assert made.realized_investment == Decimal("0.03")
        assert made.realized_returns == Decimal("-0.01")

    def test_have_no_percentage_where_nothing_was_put_in(self) -> None:
        nothing = Decimal(0)

        assert returns([], {}) == Returns(nothing, nothing, nothing, nothing, nothing, nothing, None, None)

    def test_of_what_was_sold_whole_need_no_price(self) -> None:
        made = returns([buy("TCS", 2, "2000"), sell("TCS", 2, "2100")], {})

        assert (made.networth, made.unrealized_percent, made.total_percent) == (Decimal(0), None, Decimal(5))

    @often
    @given(histories(), st.integers(5, 15_000_000))
    def test_are_what_came_out_and_is_left_less_what_went_in(self, fills: list[Fill], paise: int) -> None:
        price = paise * Decimal("0.01")
        left = sum(holdings(fills).values()) * price

        made = returns(fills, dict.fromkeys("ABC", price))

        assert abs(made.total_returns - (money(fills, Side.SELL) + left - money(fills, Side.BUY))) <= Decimal("0.01")
