"""Sets of batches: of one broker, in turn, given back, fallen apart; and what is written of several at once."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from brokers.models import BrokerOutage, BrokerSession
from brokers.ports.broker import Ack, BrokerStatus, LiveSession, NewOrder, Report
from brokers.simulator.adapter import SimulatedBroker
from gateway.database.encryption import encrypt
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import enqueue
from gateway.queue.leases import LEASE
from gateway.queue.worker_processes import BEAT
from gateway.telemetry import request_id
from tests import make
from tests.transactions.execution.conftest import Use
from transactions.checkout.confirm import UserSelections, confirm
from transactions.execution import batch_worker, record_work
from transactions.execution.batch_worker import AT_ONCE, BatchWorker
from transactions.execution.broker_calls import GIVE_UP_SECONDS, BrokerCalls
from transactions.execution.polling import poll_result_of
from transactions.execution.read_batches import read_one
from transactions.execution.record_updates import BatchUpdate, record_batch_updates
from transactions.execution.requeue import requeue
from transactions.models import Batch, Order
from webhooks.models import Event

A_MOMENT: Final = timedelta(milliseconds=1)


class Notes(SimulatedBroker):
    """Who was spoken to, in order."""

    spoken_to: ClassVar[list[str]] = []

    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        if order.position == 0:
            self.spoken_to.append(session.broker)
        return super().place(session, order, now=now)


class Chokes(SimulatedBroker):
    """On one client's orders."""

    def place(self, session: LiveSession, order: NewOrder, *, now: datetime) -> Ack:
        if session.client_id == "unpalatable":
            raise ZeroDivisionError("An adapter's mistake.")
        return super().place(session, order, now=now)


def shift() -> BatchWorker:
    """Of a process that has just begun, with one call at a time."""
    return BatchWorker(BrokerCalls(at_once=1))


def queue(gateway: Gateway, now: datetime, *clients: str, broker: str = "kite") -> list[Batch]:
    made = []
    for client in clients:
        transaction = make.logged_in(gateway=gateway, client_id=client, broker=broker, now=now)
        confirm(transaction=transaction, selections=UserSelections(), now=now)
        made.append(Batch.objects.get(transaction=transaction))
    return made


def reports(batch: Batch) -> dict[str, Report]:
    return {order.ref: Report(order.ref, BrokerStatus.REJECTED, 0, None, None) for order in make.orders(batch)}


def statuses() -> list[str]:
    return list(Batch.objects.order_by("pk").values_list("status", flat=True))


class TestAShift:
    def test_works_on_all_that_is_due(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one", "two", "three")

        assert shift().work(idle_grace=0) == 3
        assert statuses() == ["PLACED"] * 3

    def test_leaves_what_is_not_due(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one")
        Batch.objects.update(due_at=now + timedelta(seconds=1))

        assert (shift().work(idle_grace=0), statuses()) == (0, ["QUEUED"])

    def test_leaves_what_another_has(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one")
        Batch.objects.update(leased_until=now + LEASE)

        assert (shift().work(idle_grace=0), statuses()) == (0, ["QUEUED"])

    def test_asks_about_what_it_has_placed(self, instruments: None) -> None:
        gateway = make.gateway()
        queue(gateway, clock.wall(), "one")

        assert shift().work(idle_grace=0.2) == 2
        assert statuses() == ["COMPLETED"]

    def test_lets_links_take_turns_that_many_batches_of_another_hide(
        self, gateway: Gateway, now: datetime, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batch_worker, "CHOSEN_FROM", 4)
        queue(gateway, now - A_MOMENT, *(f"client-{n}" for n in range(9)))
        queue(gateway, now, "late", broker="dhan")
        queue(make.gateway(), now, "late", "later")
        use(Notes)
        Notes.spoken_to.clear()

        shift().work(idle_grace=0)

        assert Notes.spoken_to == [*["kite"] * 4, "dhan", "kite", "kite", *["kite"] * 5]
        assert statuses() == ["PLACED"] * 12

    def test_lets_brokers_take_turns(
        self, gateway: Gateway, now: datetime, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queue(gateway, now - A_MOMENT, *(f"client-{n}" for n in range(AT_ONCE + 2)))
        queue(gateway, now, "late", broker="dhan")
        use(Notes)
        Notes.spoken_to.clear()

        shift().work(idle_grace=0)

        assert Notes.spoken_to == ["kite"] * AT_ONCE + ["dhan"] + ["kite"] * 2

    def test_leaves_a_link_that_is_down_to_one_probe(self, gateway: Gateway, now: datetime) -> None:
        for batch in queue(gateway, now, "one", "two"):
            make.placed(batch)
        Batch.objects.update(due_at=now)
        make.outage(gateway, "kite")
        down = shift().work(idle_grace=0)
        BrokerOutage.objects.update(probe_at=now)

        mine = shift()
        taken = mine._take(is_queued=False)

        assert (down, len(taken)) == (0, 1)
        mine.begin([batch.pk for batch in taken])
        mine.step()
        mine.step()
        assert BrokerOutage.objects.count() == 0

    def test_places_nothing_at_a_link_that_is_down_until_its_deadline(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one")
        make.outage(gateway, "kite")

        shift().work(idle_grace=0)
        assert (statuses(), Batch.objects.get().unreachable_since) == (["QUEUED"], now)

        Batch.objects.update(unreachable_since=now - timedelta(hours=1), due_at=now)
        shift().work(idle_grace=0)

        assert statuses() == ["UNPLACED"]
        assert set(Order.objects.values_list("sent_at", flat=True)) == {None}

    def test_places_when_the_probe_was_answered(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one", "two")
        make.outage(gateway, "kite", seconds=0)

        shift().work(idle_grace=0)

        assert (statuses()[0], BrokerOutage.objects.count()) == ("PLACED", 0)

    def test_leaves_a_batch_that_an_adapter_chokes_on_and_goes_on_with_the_others(
        self, gateway: Gateway, now: datetime, use: Use
    ) -> None:
        queue(gateway, now, "unpalatable", "good", "better")
        use(Chokes)
        mine = shift()

        with pytest.raises(ZeroDivisionError):
            mine.work(idle_grace=0)

        assert (mine.work(idle_grace=0), statuses()) == (2, ["QUEUED", "PLACED", "PLACED"])
        assert Batch.objects.earliest("pk").leased_until == now + LEASE

    def test_writes_the_batches_of_a_write_that_failed_one_by_one(
        self, gateway: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bad, *_ = queue(gateway, now, "one", "two", "three")
        write = record_batch_updates

        def chokes(updates: Sequence[BatchUpdate]) -> list[BatchUpdate]:
            if any(one.batch.pk == bad.pk for one in updates):
                raise ZeroDivisionError("A row that cannot be written.")
            return write(updates)

        monkeypatch.setattr(record_work, "record_batch_updates", chokes)
        mine = shift()
        for _ in range(2):  # together, then the one that it was
            with pytest.raises(ZeroDivisionError):
                mine.work(idle_grace=0)

        assert mine.work(idle_grace=0) == 2
        assert statuses()[1:] == ["PLACED", "PLACED"]
        assert Batch.objects.get(pk=bad.pk).leased_until == now + LEASE

    def test_that_is_over_rings_for_another(
        self, gateway: Gateway, now: datetime, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        queue(gateway, now, "one")
        enqueue._last_enqueued.clear()
        before = enqueue.messages_waiting(["gateway"])

        with django_capture_on_commit_callbacks(execute=True):
            assert shift().work(seconds=0) == 0

        assert (enqueue.messages_waiting(["gateway"]) - before, statuses()) == (1, ["QUEUED"])


class TestALoginThatNoKeyOpens:
    """A key was dropped too early."""

    @pytest.fixture
    def reached(self, gateway: Gateway, now: datetime, settings: Any) -> list[str]:
        """Keys, the dropped key first, with three batches queued; the dropped key encrypted the first batch's login."""
        keys = [Fernet.generate_key().decode() for _ in range(2)]
        settings.ENCRYPTION_KEYS = keys
        queue(gateway, now, "one", "two", "three")
        settings.ENCRYPTION_KEYS = keys[1:]
        BrokerSession.objects.exclude(account__client_id="one").update(encrypted_token=encrypt(""))
        return keys

    @pytest.mark.parametrize("step", ["placing", "following"])
    def test_keeps_nobody_else_waiting_and_is_said_once(
        self, *, gateway: Gateway, reached: list[str], step: str, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        if step == "following":
            settings.ENCRYPTION_KEYS = reached
            shift().work(idle_grace=0)
            Batch.objects.update(leased_until=F("placed_at"))
            make.later(gateway, seconds=10)
            settings.ENCRYPTION_KEYS = reached[1:]

        shift().work(idle_grace=0)

        after = {"placing": ["QUEUED", "PLACED", "PLACED"], "following": ["PLACED", "COMPLETED", "COMPLETED"]}
        assert statuses() == after[step]
        locked_out = Batch.objects.order_by("pk")[0]
        errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        assert errors == [
            f"Batch {locked_out} waits: no key in ENCRYPTION_KEYS decrypts its login. "
            "Restore the key that encrypted it."
        ]
        assert (locked_out.attempts > 0, locked_out.due_at is not None) == (True, True)

    def test_continues_after_the_key_is_restored(self, reached: list[str], settings: Any) -> None:
        shift().work(idle_grace=0)
        settings.ENCRYPTION_KEYS = [reached[1], reached[0]]
        Batch.objects.update(leased_until=F("due_at"))  # as if the lease had lapsed

        shift().work(idle_grace=0)

        assert statuses() == ["PLACED"] * 3


class TestWhatIsWrittenOfSeveral:
    def test_is_written_of_those_that_nobody_has_taken_over(self, gateway: Gateway, now: datetime) -> None:
        mine, theirs = (make.placed(batch) for batch in queue(gateway, now, "one", "two"))
        at = now + timedelta(seconds=1)
        told = [poll_result_of(*read_one(batch.pk), reports(batch), at).update for batch in (mine, theirs)]
        Batch.objects.filter(pk=theirs.pk).update(attempts=F("attempts") + 1)

        written = record_batch_updates(told)

        assert [one.batch.pk for one in written] == [mine.pk]
        assert statuses() == ["UNFILLED", "PLACED"]
        assert Event.objects.latest("pk").subject == mine.batch_id

    def test_is_logged_under_the_request_that_queued_each(self, gateway: Gateway, now: datetime) -> None:
        for name in ("the-first", "the-second"):
            with request_id.bound(name):
                queue(gateway, now, name)

        with request_id.bound("of-a-tick"):
            shift().work(idle_grace=0)

        events = Event.objects.order_by("pk").values_list("auth_id", "request_id")
        accounts = Batch.objects.order_by("pk").values_list("account__auth_id", flat=True)
        assert list(events) == list(zip(accounts, ("the-first", "the-second"), strict=True))

    def test_is_logged_under_the_request_that_requeued_it_last(self, gateway: Gateway, now: datetime) -> None:
        with request_id.bound("confirms"):
            (batch,) = queue(gateway, now, "one")
        make.placed(batch)
        with request_id.bound("advances"):
            requeue(Batch.objects.all(), gateway, now=make.later(gateway, seconds=10))

        make.followed_up(batch)

        assert [event.request_id for event in Event.objects.order_by("pk")] == ["confirms", "advances"]

    @pytest.mark.servers  # SQLite has one writer, and nobody to wait for
    @pytest.mark.parametrize("act", ["write", "wake"])
    def test_is_locked_in_the_order_of_the_keys(self, gateway: Gateway, now: datetime, act: str) -> None:
        batches = [make.placed(batch) for batch in queue(gateway, now, "one", "two")]
        told = [poll_result_of(*read_one(batch.pk), {}, now).update for batch in batches]

        with CaptureQueriesContext(connection) as captured:
            if act == "write":
                record_batch_updates(told)
            else:
                requeue(Batch.objects.all(), gateway, now=now)

        sent = [one["sql"].replace('"', "") for one in captured if "transactions_batch" in one["sql"]]
        assert re.search(r"ORDER BY (b\.id|1 ASC) FOR NO KEY UPDATE", sent[0])
        assert sent[1].startswith("UPDATE transactions_batch")


def test_a_lease_lasts_longer_than_a_call_is_waited_for() -> None:
    assert timedelta(seconds=GIVE_UP_SECONDS) <= LEASE / 4


def test_a_link_has_no_more_calls_of_all_processes_than_its_limit(gateway: Gateway, now: datetime) -> None:
    processes = [BrokerCalls(at_once=128, per_link=60) for _ in range(3)]
    for _ in range(2):
        now += BEAT
        for one in processes:
            one.share(now=now)
            one.concurrency.mark_healthy((gateway.pk, "kite"))

    assert [one.concurrency.limit((gateway.pk, "kite")) for one in processes] == [20] * 3
