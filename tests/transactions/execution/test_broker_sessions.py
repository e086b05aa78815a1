"""Sessions of many users that end at the same time, and the logins after that."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import cycle

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from brokers.models import BrokerSession
from brokers.ports.broker import Side, Verb
from brokers.simulator import lent_connections
from brokers.simulator.faults.switched_faults import clear_faults, fault_named, switch_faults
from gateway.models import Gateway
from gateway.partners import clock
from tests import make
from tests.examples import examples
from transactions.checkout.broker_login import log_in
from transactions.checkout.confirm import UserSelections, confirm
from transactions.domain.basket import Security
from transactions.domain.intents import Intent
from transactions.execution.batch_worker import BatchWorker
from transactions.execution.broker_calls import BrokerCalls
from transactions.models import Batch
from webhooks.models import Event

USERS = examples(6, long=1_000)
ONE_SHARE = (Security("INFY", 1, Side.BUY),)


def resting(gateway: Gateway, users: int, now: datetime) -> None:
    """An order of each user, placed while the market is closed."""
    Gateway.objects.filter(pk=gateway.pk).update(market_hours="closed")
    gateway.refresh_from_db()
    for number in range(users):
        made = make.logged_in(gateway=gateway, securities=ONE_SHARE, client_id=f"user-{number}", now=now)
        confirm(transaction=made, selections=UserSelections(amo=True), now=now)


class TestSessionsThatEndTogether:
    def statements(self, gateway: Gateway, users: int, now: datetime) -> int:
        """To write what a worker has found of as many users, whose broker had said when their sessions end."""
        resting(gateway, users, now)
        Batch.objects.update(leased_until=now)
        worker = BatchWorker(BrokerCalls(at_once=1))
        worker.work(idle_grace=0)
        BrokerSession.objects.update(ends_at=now)
        open_ones = list(Batch.objects.filter(status="PLACED", session_ended_at=None).values_list("pk", flat=True))
        worker.begin(open_ones)

        with CaptureQueriesContext(connection) as sent:
            worker.step()

        assert not worker.active
        assert Event.objects.filter(type="broker.session_ended").count() == BrokerSession.objects.count()
        return len(sent)

    def test_take_as_many_statements_for_six_users_as_for_two(self, gateway: Gateway, now: datetime) -> None:
        assert self.statements(gateway, 2, now) == self.statements(make.gateway(), 6, now)


@pytest.mark.servers  # on SQLite one call is in flight
@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(examples(60, long=1_200))
class TestANightInWhichAllSessionsEnd:
    @pytest.fixture(autouse=True)
    def _no_lent_connections(self) -> Iterator[None]:
        """They would keep the database of this test in use."""
        yield
        lent_connections.close_lent_connections()

    def test_is_told_once_to_each_user_and_over_with_the_next_login(
        self, instruments: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        gateway = make.gateway()
        resting(gateway, USERS, clock.wall())
        worked_until(lambda: not Batch.objects.exclude(status="PLACED").exists())

        ends = {Verb.ORDER_BOOK: fault_named("session_ended")}
        switch_faults(gateway=gateway, broker="kite", faults=ends, now=clock.wall())
        Batch.objects.update(due_at=clock.wall())
        with CaptureQueriesContext(connection) as sent:
            seconds = worked_until(lambda: not Batch.objects.filter(session_ended_at=None).exists())
        told = Event.objects.filter(type="broker.session_ended")
        assert (told.count(), told.values("subject").distinct().count()) == (USERS, USERS)
        assert set(Batch.objects.values_list("status", "due_at")) == {("PLACED", None)}
        assert set(BrokerSession.objects.values_list("encrypted_token", flat=True)) == {""}

        clear_faults(gateway=gateway, broker="kite")
        Gateway.objects.update(market_hours="always")
        gateway.refresh_from_db()
        for number, intent in zip(range(USERS), cycle([Intent.CONNECT, Intent.TRANSACTION]), strict=False):
            made = make.transaction(gateway=gateway, intent=intent, now=clock.wall())
            log_in(transaction=made, broker="kite", client_id=f"user-{number}", pin="1234", now=clock.wall())
        revived = worked_until(lambda: not Batch.objects.exclude(status="COMPLETED").exists())

        with capsys.disabled():
            print(
                f"\n{USERS} sessions ended in {seconds:.1f} s with {len(sent) / USERS:.1f} statements each,"
                f" and after the logins all was filled in {revived:.1f} s"
            )
        assert told.count() == USERS


def worked_until(is_done: Callable[[], bool]) -> float:
    """One worker with many calls at once; the seconds that it took."""
    began, worker = time.monotonic(), BatchWorker(BrokerCalls(32))
    while not is_done() and time.monotonic() - began < examples(20, long=300):
        worker.work(idle_grace=0.1)
    assert is_done()
    return time.monotonic() - began
