"""Workers with many calls in flight, on PostgreSQL: no order is sent twice, and no broker delays another."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import ClassVar

import pytest
from django.db import connection

from brokers.models import Instrument
from brokers.ports.broker import Ack, LiveSession, NewOrder, Side
from brokers.simulator import lent_connections
from brokers.simulator.adapter import SimulatedBroker
from brokers.simulator.models import SimOrder
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import leases
from tests import make
from tests.transactions.execution.conftest import Use
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.basket import Security
from transactions.execution import record_work
from transactions.execution.batch_worker import BatchWorker
from transactions.execution.broker_calls import BrokerCalls
from transactions.models import Batch, Order

pytestmark = [pytest.mark.servers, pytest.mark.django_db(transaction=True)]
SHORT_LEASE = timedelta(seconds=0.6)
NAMES = 48


class Slow(SimulatedBroker):
    """Takes its time for each order, and notes every call. An order that it is sent twice, it would place twice."""

    has_unique_refs = False
    seconds: ClassVar[float] = 0.2
    sent: ClassVar[Counter[str]] = Counter()
    lock: ClassVar[Lock] = Lock()

    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        with self.lock:
            self.sent[order.ref] += 1
        time.sleep(self.seconds)
        return super().place(session, order, now=now)


class HangsForSome(SimulatedBroker):
    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        if session.client_id.startswith("stuck"):
            time.sleep(1.5)
        return super().place(session, order, now=now)


@pytest.fixture(autouse=True)
def _no_lent_connections() -> Iterator[None]:
    """They would keep the database of this test in use."""
    yield
    lent_connections.close_lent_connections()


@pytest.fixture
def gateway(instruments: None) -> Gateway:
    return make.gateway()


@pytest.fixture
def slow(use: Use) -> type[Slow]:
    use(Slow)
    Slow.sent.clear()
    return Slow


def symbols(number: int) -> list[str]:
    return list(Instrument.objects.filter(tradable=True).values_list("symbol", flat=True)[:number])


def basket(gateway: Gateway, *, names: int) -> Batch:
    securities = [Security(symbol, 1, Side.BUY) for symbol in symbols(names)]
    return make.queued_batch(gateway=gateway, securities=securities, now=clock.wall())


def working(batch: Batch, workers: int = 2) -> None:
    """As many processes, each with its own connection and calls, until the batch is COMPLETED."""
    until = time.monotonic() + 60

    def work() -> None:
        worker = BatchWorker(BrokerCalls(16))
        while Batch.objects.get(pk=batch.pk).status != "COMPLETED" and time.monotonic() < until:
            worker.work(seconds=1, idle_grace=0.1)
            time.sleep(0.05)
        connection.close()

    threads = [Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def statuses(batch: Batch) -> Counter[str]:
    return Counter(Order.objects.filter(batch=batch).values_list("status", flat=True))


class TestAPlacementLongerThanItsLease:
    def test_sends_each_order_once_and_hears_of_all(
        self, gateway: Gateway, slow: type[Slow], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(leases.acquire_each, "__kwdefaults__", {"lease": SHORT_LEASE})
        monkeypatch.setattr(record_work, "LEASE", SHORT_LEASE)
        batch = basket(gateway, names=NAMES)

        working(batch)

        assert (len(slow.sent), set(slow.sent.values()), SimOrder.objects.count()) == (NAMES, {1}, NAMES)
        assert statuses(batch) == {"COMPLETE": NAMES}


class TestAWorkerThatDiesBetweenCalls:
    def test_leaves_orders_that_another_finds_or_sends_and_none_twice(self, gateway: Gateway, slow: type[Slow]) -> None:
        batch = basket(gateway, names=NAMES)
        dying = BatchWorker(BrokerCalls(16))
        dying._take_due()
        dying.step()  # the first orders are on their way; nothing hears their answers
        Batch.objects.update(leased_until=clock.wall())

        working(batch, workers=1)

        assert (len(slow.sent), set(slow.sent.values()), SimOrder.objects.count()) == (NAMES, {1}, NAMES)
        assert statuses(batch) == {"COMPLETE": NAMES}
        assert Order.objects.filter(batch=batch, broker_order_id=None).count() > 0


class TestABrokerThatHangs:
    @pytest.mark.parametrize("other", ["broker", "gateway"])
    def test_delays_no_other_link(self, gateway: Gateway, use: Use, other: str) -> None:
        """Neither another broker of its gateway, nor the same broker of another gateway."""
        use(HangsForSome)
        one = [Security("INFY", 1, Side.BUY)]
        for number in range(40):
            make.queued_batch(gateway=gateway, securities=one, client_id=f"stuck-{number}", now=clock.wall())
        link = {"gateway": gateway, "broker": "dhan"} if other == "broker" else {"gateway": make.gateway()}
        made = make.logged_in(securities=one, client_id="free", now=clock.wall(), **link)
        confirm(transaction=made, selections=UserSelections(), now=clock.wall())
        batch = Batch.objects.get(transaction=made)

        seconds = _until_completed(batch)

        assert seconds < 1.0, seconds


def _until_completed(batch: Batch) -> float:
    began = time.monotonic()
    worker = BatchWorker(BrokerCalls(16))
    while Batch.objects.get(pk=batch.pk).status != "COMPLETED" and time.monotonic() - began < 5:
        worker._take_due()
        worker.step()
    taken = time.monotonic() - began
    while worker.active:
        worker.step()
    return taken
