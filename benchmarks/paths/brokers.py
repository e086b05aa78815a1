"""Brokers that hang, and brokers far away: what others feel of the first, and how much the second gets done.

A hanging broker answers no call within the time limit. Its batches are resting orders that are due to be polled.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from threading import Event, Thread
from typing import Final

from django.db.models import F

from benchmarks.copying import forget
from benchmarks.figures import Row, Side, at_least, at_most, percentile, ratios
from benchmarks.load import request, shoot
from benchmarks.paths.create import partner
from benchmarks.playing import logged_in, played
from benchmarks.stage import Stage, celery
from brokers.models import BrokerOutage
from brokers.ports.broker import Verb
from brokers.simulator.faults.switched_faults import clear_faults, switch_faults
from brokers.simulator.models import SimOrder
from brokers.simulator.personas import FaultKind, LinkFault
from gateway.models import Gateway
from gateway.monitoring.exporter import exposition
from gateway.partners import clock
from tests.partner import BASKET, Partner
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.statuses import FINAL_BATCH, OPEN_BATCH
from transactions.models import Batch, Order, Transaction

HANGING, FAR = "dhan", "kite"
DUE: Final = 5_000
RATE: Final = 20  # confirmations a second at the broker that answers
CROWD: Final = 12  # users at once who try to log in at the hanging broker
HANGS: Final = LinkFault(FaultKind.SLOW, 60.0)
DISTANCE: Final = LinkFault(FaultKind.SLOW, 0.2)
USERS: Final = 100
NAMES: Final = 10
WORKERS: Final = ("worker-1", "worker-2")
PLACED: Final = re.compile(r'gateway_broker_calls_total\{[^}]*outcome="answered"[^}]*verb="place"[^}]*\} ([0-9.e+]+)')
NEVER: Final = "2099-01-01T00:00:00Z"


def measure(stage: Stage) -> Iterator[Row]:
    mine = partner()
    gateway = Gateway.objects.get(name=mine.name)
    due = _resting(stage, gateway, number=stage.knobs.many(DUE, least=200))
    port = stage.web()
    for name in WORKERS:
        _start_worker(stage, name)
    stage.wait_for_listeners(len(WORKERS))
    stage.beat()
    yield from _beside_a_hanging_broker(stage, mine, gateway, port, due=due)
    _forget(stage)
    yield from _far_away(stage, gateway)


def _beside_a_hanging_broker(stage: Stage, mine: Partner, gateway: Gateway, port: int, *, due: int) -> Iterator[Row]:
    """Rounds with and without in turns, so that other load on the machine affects both."""
    distant = DistantPartner(mine.name, mine.api_secret, mine.jwt_secret, base=f"http://127.0.0.1:{port}")
    reading = _reading(distant)
    calm: list[tuple[float, float]] = []
    beside: list[tuple[float, float]] = []
    _round(stage, gateway, distant, port, reading)  # opens connections, makes plans
    for _ in range(stage.knobs.rounds):
        calm.append(_round(stage, gateway, distant, port, reading))
        with _hanging(stage, gateway):
            beside.append(_round(stage, gateway, distant, port, reading))
    for place, path in enumerate(("confirm → completed at another broker", "other users' reads at the web")):
        with_it, without = ([1000 * one[place] for one in rounds] for rounds in (beside, calm))
        yield Row(
            path=f"{path}, p99",
            against="the same without the hanging broker",
            unit="×",
            figures=ratios(with_it, without),
            target=at_most(1.3),
            sides=(Side("with", "ms", tuple(with_it)), Side("without", "ms", tuple(without))),
            note=f"{due:,} batches of {HANGING} due, {CROWD} of its users logging in; {RATE} confirmations/s",
        )


def _far_away(stage: Stage, gateway: Gateway) -> Iterator[Row]:
    switch_faults(gateway=gateway, broker=FAR, faults=dict.fromkeys(Verb, DISTANCE), now=clock.wall())
    users, rates = stage.knobs.many(USERS, least=20), []
    for _ in range(stage.knobs.rounds):
        rates.append(users * NAMES / played(stage, logged_in(gateway, number=users, names=NAMES), names=NAMES))
        stage.say(f"{rates[-1]:,.0f} orders/s at a broker 200 ms away")
        _forget(stage)
    path = f"confirm → completed at a broker 200 ms away, {users} users with baskets of {NAMES}"
    yield Row(path=path, against="a limit", unit="orders/s", figures=tuple(rates), target=at_least(1_000))
    doubled, unknown = _killed(stage, gateway, users)
    yield Row(
        path=f"{path}; one of two workers is killed in the middle: orders placed more than once",
        against="none",
        unit="orders",
        figures=(float(doubled),),
        target=at_most(0),
        note=f"{unknown} orders that were being sent have an unknown outcome",
    )


def _killed(stage: Stage, gateway: Gateway, users: int) -> tuple[int, int]:
    """How many orders the broker was given twice, and how many it never got of those that were being sent."""
    before = _placed()
    for pk in logged_in(gateway, number=users, names=NAMES):
        _confirm(gateway, pk)
    until(lambda: _placed() - before > users, seconds=60, what="the middle of the round")
    stage.stop(WORKERS[0])
    _start_worker(stage, WORKERS[0])
    still_open = Batch.objects.filter(status__in=["QUEUED", *OPEN_BATCH])
    until(lambda: not still_open.exists(), seconds=240, what="no batch open")
    unknown = Order.objects.filter(status="ERROR").count()
    at_broker = SimOrder.objects.filter(account__broker=FAR).count()
    assert at_broker + unknown == users * NAMES, f"{at_broker} orders at the broker, {unknown} with an unknown outcome"
    return max(0, _placed() - before - at_broker), unknown


def _confirm(gateway: Gateway, pk: int) -> None:
    transaction = Transaction.objects.select_related("gateway", "account").get(pk=pk)
    confirm(transaction=transaction, selections=UserSelections(), now=clock.now(gateway))


def _forget(stage: Stage) -> None:
    forget(stage.database.url)
    SimOrder.objects.all().delete()


def _round(stage: Stage, gateway: Gateway, distant: DistantPartner, port: int, reading: bytes) -> tuple[float, float]:
    """The p99 from confirmation to completion, and of reads at the web while users log in, in seconds."""
    pks = logged_in(gateway, number=max(10, int(RATE * stage.knobs.seconds)), names=2)
    began = time.monotonic()
    for number, pk in enumerate(pks):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        _confirm(gateway, pk)
    mine = Batch.objects.filter(transaction__in=pks)
    final = mine.filter(status__in=[one.value for one in FINAL_BATCH])
    until(lambda: final.count() == len(pks), seconds=120, what=f"{len(pks)} batches final")
    took = [spent.total_seconds() for spent in mine.values_list(F("completed_at") - F("created_at"), flat=True)]
    with _crowd(distant):
        shot = shoot(port, [reading], seconds=stage.knobs.seconds, connections=4)
    stage.say(f"p50 {1000 * median(took):,.0f} ms, p99 {1000 * percentile(took, 0.99):,.0f} ms; web {shot.p99:.3f} s")
    return percentile(took, 0.99), shot.p99


@contextmanager
def _crowd(distant: DistantPartner) -> Iterator[None]:
    """Users who try to log in at the hanging broker; where it answers, it refuses them."""
    over = Event()
    transaction = distant.create(BASKET)

    def try_to_log_in() -> None:
        while not over.wait(0.05):
            distant.complete(transaction, "login-fails", broker=HANGING)

    threads = [Thread(target=try_to_log_in) for _ in range(CROWD)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _resting(stage: Stage, gateway: Gateway, *, number: int) -> int:
    """Placed batches of the broker that is going to hang; not due yet."""
    now = clock.now(gateway)
    for pk in logged_in(gateway, number=number, names=1, broker=HANGING):
        _confirm(gateway, pk)
        Batch.objects.filter(transaction=pk).update(status="PLACED", placed_at=now, due_at=NEVER)
    Order.objects.filter(batch__broker=HANGING).update(status="PLACED", ordered_at=now)
    stage.say(f"{number:,} batches rest at {HANGING}")
    return number


@contextmanager
def _hanging(stage: Stage, gateway: Gateway) -> Iterator[None]:
    switch_faults(gateway=gateway, broker=HANGING, faults=dict.fromkeys(Verb, HANGS), now=clock.wall())
    resting = Batch.objects.filter(broker=HANGING)
    resting.update(due_at=clock.wall())
    time.sleep(1)
    try:
        yield
    finally:
        stage.say(f"{resting.filter(due_at__lte=clock.wall()).count():,} batches are still due")
        resting.update(due_at=NEVER, attempts=F("attempts") + 1)
        clear_faults(gateway=gateway, broker=HANGING)
        BrokerOutage.objects.all().delete()


def _start_worker(stage: Stage, name: str) -> None:
    """One process each, so that one can be killed."""
    stage.start(name, [*celery(), "worker", "--hostname", f"{name}@%h", "--pool", "solo"])


def _placed() -> int:
    """Orders that brokers have acknowledged, as all processes have counted."""
    return sum(int(float(number)) for number in PLACED.findall(exposition().decode()))


def _reading(distant: DistantPartner) -> bytes:
    target = f"/v1/{distant.name}/engine/transactiondetails?transactionId={distant.create(BASKET)}"
    return request("GET", target, headers=distant.headers())
