"""A broker that cannot be reached for ten minutes at the open, while many orders rest there."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import pytest
import time_machine

from brokers.models import BrokerOutage
from brokers.ports.broker import LiveSession, Report, Side, Unreachable
from brokers.simulator.adapter import SimulatedBroker
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue.concurrency import OPENS_AFTER
from tests import make
from tests.examples import examples
from tests.transactions.execution.conftest import Use
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.basket import Security
from transactions.execution.batch_worker import BatchWorker
from transactions.execution.broker_calls import BrokerCalls
from transactions.models import Batch, Order

TICKERS = ("INFY", "TCS", "HDFCBANK", "ITC", "RELIANCE", "SBIN", "LT", "WIPRO", "ONGC", "NTPC")
BATCHES = examples(7, long=1_000)
SECONDS = examples(30, long=600)
LONG_ENOUGH = examples(10, long=600)


class CannotBeReached(SimulatedBroker):
    """Counts the calls of each second."""

    calls: ClassVar[Counter[datetime]] = Counter()

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        self.calls[clock.wall()] += 1
        raise Unreachable("No route to the broker.", may_have_arrived=False)


@pytest.mark.timeout(examples(60, long=1_800))
def test_asks_once_a_second_at_most_and_ends_no_order(gateway: Gateway, now: datetime, use: Use) -> None:
    Gateway.objects.update(market_hours="closed")
    gateway.refresh_from_db()
    basket = [Security(ticker, 1, Side.BUY) for ticker in TICKERS]
    for number in range(BATCHES):
        made = make.logged_in(gateway=gateway, securities=basket, client_id=f"user-{number}", now=now)
        confirm(transaction=made, selections=UserSelections(amo=True), now=now)
    worker = BatchWorker(BrokerCalls(at_once=1))
    for second in (0, 1):  # a busy machine places some baskets in part, and then the rest
        with time_machine.travel(now + timedelta(seconds=second), tick=False):
            worker.work(idle_grace=0, seconds=LONG_ENOUGH)
    assert statuses() == {"PLACED": BATCHES * len(TICKERS)}

    Gateway.objects.update(market_hours="always")
    use(CannotBeReached)
    CannotBeReached.calls.clear()
    for second in range(2, SECONDS + 2):
        with time_machine.travel(now + timedelta(seconds=second), tick=False):
            worker.work(idle_grace=0)
    first, *others = sorted(CannotBeReached.calls.items())
    assert (first[1], {number for _, number in others}) == (OPENS_AFTER, {1})
    assert statuses() == {"PLACED": BATCHES * len(TICKERS)}
    assert BrokerOutage.objects.exists()

    use(SimulatedBroker)
    with time_machine.travel(now + timedelta(seconds=SECONDS + 60), tick=False) as time:
        for _ in range(3):
            worker.work(idle_grace=0, seconds=LONG_ENOUGH)
            time.shift(31)
    assert statuses() == {"COMPLETE": BATCHES * len(TICKERS)}
    assert (Counter(Batch.objects.values_list("status", flat=True)), BrokerOutage.objects.count()) == (
        {"COMPLETED": BATCHES},
        0,
    )


def statuses() -> Counter[str]:
    return Counter(Order.objects.values_list("status", flat=True))
