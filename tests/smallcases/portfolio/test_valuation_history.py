from datetime import datetime, timedelta
from decimal import Decimal

from brokers.market.quotes import Quote
from brokers.ports.broker import Side
from smallcases.portfolio.ledger import Fill
from smallcases.portfolio.valuation_history import MOST_DAYS, valuation_history

DAY = timedelta(days=1)
PRICE = Decimal(120)
MARKET = {"INFY": Quote("INFY", Decimal(100), Decimal("0.05"), PRICE, "seed")}


def fill(at: datetime, *, side: Side = Side.BUY, shares: int = 10, ticker: str = "INFY") -> Fill:
    return Fill(ticker, side, shares, Decimal(100), at)


class TestWorthByDay:
    def test_follows_the_fills(self, now: datetime) -> None:
        fills = [fill(now - 2 * DAY), fill(now - DAY / 2, side=Side.SELL, shares=4)]

        days = valuation_history(fills, MARKET, since=now - 2 * DAY, now=now)

        assert [(day.at, day.networth) for day in days] == [
            (now - 2 * DAY, Decimal("1200.00")),
            (now - DAY, Decimal("1200.00")),
            (now, Decimal("720.00")),
        ]
        assert [day.total_returns for day in days] == [Decimal("200.00"), Decimal("200.00"), Decimal("120.00")]

    def test_draws_no_more_than_so_many_days(self, now: datetime) -> None:
        since = now - 1_000 * DAY

        assert len(valuation_history([fill(since)], MARKET, since=since, now=now)) == MOST_DAYS + 1

    def test_has_nothing_to_draw_of_what_has_no_price(self, now: datetime) -> None:
        assert valuation_history([fill(now, ticker="GONE")], MARKET, since=now, now=now) == []

    def test_has_nothing_to_draw_where_a_clock_was_put_back(self, now: datetime) -> None:
        fills = [fill(now), fill(now - DAY, side=Side.SELL)]

        assert valuation_history(fills, MARKET, since=now - DAY, now=now) == []
