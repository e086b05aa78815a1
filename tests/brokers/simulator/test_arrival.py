from datetime import UTC, datetime, timedelta

import pytest

from brokers.market.hours import Hours, Market
from brokers.simulator.fills import arrival

OPENS = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
CLOSES = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MONDAY = OPENS + timedelta(days=3)
SECOND = timedelta(seconds=1)


class TestArrival:
    @pytest.mark.parametrize(
        ("placed_at", "arrives"),
        [
            (OPENS, OPENS + SECOND),
            (OPENS - timedelta(hours=3), OPENS),
            (CLOSES - 2 * SECOND, CLOSES - SECOND),
            (CLOSES - SECOND, MONDAY),
            (CLOSES, MONDAY),
        ],
    )
    def test_is_after_the_latency_when_the_market_is_open(self, placed_at: datetime, arrives: datetime) -> None:
        assert arrival(placed_at, SECOND, Market(Hours.NSE)) == arrives

    def test_is_not_in_sight_while_the_market_stays_closed(self) -> None:
        assert arrival(OPENS, SECOND, Market(Hours.CLOSED)) is None
