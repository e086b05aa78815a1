"""A basket, as the metrics tell it."""

from collections.abc import Callable

import pytest

from tests import make
from tests.counts import counted
from tests.partner import Partner

COUNTS = {
    "partial": ("gateway_orders_total", {"status": "PARTIAL"}),
    "complete": ("gateway_orders_total", {"status": "COMPLETE"}),
    "unplaced": ("gateway_orders_total", {"status": "UNPLACED"}),
    "bought": ("gateway_fills_total", {"side": "BUY"}),
    "sold": ("gateway_fills_total", {"side": "SELL"}),
    "placed events": ("gateway_events_recorded_total", {"type": "order.placed"}),
    "completed events": ("gateway_events_recorded_total", {"type": "order.completed"}),
    "placings": ("gateway_task_seconds_count", {"name": "place_batches", "outcome": "succeeded"}),
}
Since = Callable[[], dict[str, float]]


def now() -> dict[str, float]:
    return {what: counted(name, **labels) for what, (name, labels) in COUNTS.items()}


@pytest.fixture
def since() -> Since:
    """What was counted since the test began, where that is anything."""
    before = now()
    return lambda: {what: number - before[what] for what, number in now().items() if number != before[what]}


class TestABasket:
    def test_is_counted_by_how_its_orders_ended(self, partner: Partner, since: Since) -> None:
        partner.complete(partner.create(), "partial")
        make.sweep()

        assert since() == {
            "partial": 1,
            "complete": 1,
            "bought": 1,
            "sold": 1,
            "placed events": 1,
            "completed events": 1,
            "placings": 1,
        }

    def test_that_no_broker_took_is_counted_too(self, partner: Partner, since: Since) -> None:
        partner.complete(partner.create(), "broker-down")
        make.sweep()

        assert since() == {"unplaced": 2, "completed events": 1, "placings": 1}
