"""The latency model: when an order that was placed reaches the exchange."""

from datetime import datetime, timedelta

from brokers.market.hours import Market


def arrival(placed_at: datetime, latency: timedelta, market: Market) -> datetime | None:
    """After the broker's latency, at the market's next open moment; None while none is in sight."""
    return market.next_open(placed_at + latency)
