"""The latency model: when an order that was placed reaches the exchange."""

from datetime import datetime, timedelta

from brokers.market.hours import Market


def arrival(placed_at: datetime, latency: timedelta, market: Market) -> datetime | None:
    """The market's first open moment after the broker's latency; None if it does not open within the horizon."""
    return market.next_open(placed_at + latency)
