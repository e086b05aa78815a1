"""Orders that rest overnight, while their broker cannot be reached at the open, or ends its users' sessions.

`make test ARGS=--long` plays 10,000 orders of 1,000 users.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
import time_machine

from brokers.ports import registry
from brokers.ports.broker import LiveSession, Report, Side, Verb
from brokers.simulator.adapter import SimulatedBroker
from brokers.simulator.faults.switched_faults import clear_faults, fault_named, switch_faults
from brokers.simulator.models import SimOrder
from gateway.models import Gateway, MarketHours
from gateway.partners import clock
from gateway.queue.concurrency import OPENS_AFTER
from tests import make
from tests.examples import examples
from transactions.checkout.broker_login import log_in
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.basket import Security
from transactions.domain.intents import Intent
from transactions.models import Batch, Order, Transaction
from transactions.tasks import place_batches
from webhooks.models import Event

USERS: Final = examples(6, long=1_000)
BASKET: Final = tuple(
    Security(ticker, 1, Side.BUY)
    for ticker in ("INFY", "TCS", "HDFCBANK", "ITC", "RELIANCE", "WIPRO", "SBIN", "AXISBANK", "TECHM", "HCLTECH")
)
ORDERS: Final = USERS * len(BASKET)
EVENING: Final = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)  # a Thursday, 20:30 IST
OPENING: Final = datetime(2026, 11, 20, 3, 45, tzinfo=UTC)
OUTAGE: Final = timedelta(minutes=10)
STEP: Final = timedelta(seconds=2)
STEPS: Final = examples(60, long=1_000)


@dataclass(frozen=True)
class AskedBroker(SimulatedBroker):
    """Counts the looks at its order books by the second of real time."""

    asked: Counter[int] = field(default_factory=Counter)

    def order_book(self, session: LiveSession, refs: Sequence[str], *, now: datetime) -> Sequence[Report]:
        self.asked[int(clock.wall().timestamp())] += 1
        return super().order_book(session, refs, now=now)


@pytest.fixture
def time() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(EVENING, tick=True) as travelling:
        yield travelling


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> AskedBroker:
    made = AskedBroker(registry._SIMULATED.terms)
    monkeypatch.setattr(registry, "_SIMULATED", made)
    return made


@pytest.fixture
def gateway(time: time_machine.Traveller, transactional_db: None, instruments: None) -> Gateway:
    """Closed for the night, with orders of every user resting at the broker."""
    made = make.gateway()
    Gateway.objects.update(market_hours=MarketHours.NSE)
    made.refresh_from_db()
    for number in range(USERS):
        mine = make.logged_in(gateway=made, securities=BASKET, client_id=f"night-{number}", now=clock.now(made))
        confirm(transaction=mine, selections=UserSelections(amo=True), now=clock.now(made))
    assert pass_until(time, "PLACED")
    return made


def pass_by(time: time_machine.Traveller, duration: timedelta) -> None:
    for _ in range(duration // STEP):
        time.shift(STEP)
        place_batches()


def pass_until(time: time_machine.Traveller, status: str) -> bool:
    """Whether all orders come to this status, a worker's second at a time."""
    for _ in range(STEPS):
        pass_by(time, STEP)
        if statuses() == {status: ORDERS}:
            return True
    return False


def statuses() -> Counter[str]:
    return Counter(Order.objects.values_list("status", flat=True))


def switch(gateway: Gateway, fault: str, *verbs: Verb) -> None:
    switch_faults(gateway=gateway, broker="kite", faults=dict.fromkeys(verbs, fault_named(fault)), now=clock.wall())


@pytest.mark.timeout(examples(120, long=900))
class TestABroker:
    def test_that_is_gone_for_ten_minutes_loses_no_order_and_is_hardly_asked(
        self, time: time_machine.Traveller, broker: AskedBroker, gateway: Gateway
    ) -> None:
        switch(gateway, "unreachable", *Verb)
        time.move_to(OPENING)
        broker.asked.clear()

        pass_by(time, OUTAGE)

        assert statuses() == {"PLACED": ORDERS}
        first, *later = sorted(broker.asked)
        assert broker.asked[first] + len(later) >= OPENS_AFTER
        assert {broker.asked[second] for second in later} == {1}
        assert len(later) < 40

        clear_faults(gateway=gateway, broker="kite")

        assert pass_until(time, "COMPLETE")
        assert set(Transaction.objects.values_list("status", flat=True)) == {"COMPLETED"}
        assert SimOrder.objects.count() == ORDERS


@pytest.mark.timeout(examples(120, long=900))
class TestSessions:
    def test_that_end_in_the_night_are_told_once_and_revived_by_any_login(
        self, time: time_machine.Traveller, gateway: Gateway
    ) -> None:
        switch(gateway, "session_ended", Verb.ORDER_BOOK)
        time.move_to(OPENING)
        for _ in range(examples(1, long=10)):
            pass_by(time, timedelta(minutes=1))
        told = Event.objects.filter(type="broker.session_ended")
        assert sorted(Counter(told.values_list("subject", flat=True)).values()) == [1] * USERS
        assert statuses() == {"PLACED": ORDERS}

        for number, batch in enumerate(Batch.objects.select_related("account").order_by("pk")):
            intent = Intent.CONNECT if number % 2 else Intent.TRANSACTION
            made = make.transaction(gateway=gateway, account=batch.account, intent=intent, now=clock.now(gateway))
            log_in(
                transaction=made, broker="kite", client_id=batch.account.client_id, pin="1234", now=clock.now(gateway)
            )

        assert pass_until(time, "COMPLETE")
        assert told.count() == USERS
