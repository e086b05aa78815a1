"""Sets of batches: of one broker, in turn, given back, fallen apart; and what is written of several at once."""

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from brokers.models import BrokerOutage, BrokerSession
from brokers.ports.broker import Ack, LiveSession, NewOrder, Unreachable, Verb
from brokers.ports.links import links
from brokers.simulator.adapter import SimulatedBroker
from gateway.database.encryption import encrypt
from gateway.models import Gateway
from gateway.partners import clock
from gateway.queue import enqueue
from gateway.queue.enqueue import TaskName
from gateway.queue.leases import LEASE
from gateway.telemetry import request_id
from tests import make
from tests.transactions.execution.conftest import Use
from transactions.checkout.confirm import UserSelections, confirm
from transactions.execution import batch_worker, place_and_poll
from transactions.execution.batch_worker import AT_ONCE, BatchWorker, WorkType
from transactions.execution.broker_sessions import session_of
from transactions.execution.record_updates import PLACED_FIELDS, REPORTED_FIELDS_AND_LOG, record_batch_updates
from transactions.execution.requeue import requeue
from transactions.models import Batch
from webhooks.models import Event

A_MOMENT: Final = timedelta(milliseconds=1)
PLACING: Final = WorkType(is_queued=True, work_on=place_and_poll.place)
POLLING: Final = WorkType(is_queued=False, work_on=place_and_poll.poll)


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


def _unreachable() -> None:
    raise Unreachable("It hangs.")


def shift(*kinds: WorkType) -> BatchWorker:
    """Of a process that has just begun."""
    return BatchWorker(TaskName.PLACE_BATCHES, kinds)


def queue(gateway: Gateway, now: datetime, *clients: str, broker: str = "kite") -> list[Batch]:
    made = []
    for client in clients:
        transaction = make.logged_in(gateway=gateway, client_id=client, broker=broker, now=now)
        confirm(transaction=transaction, selections=UserSelections(), now=now)
        made.append(Batch.objects.get(transaction=transaction))
    return made


def statuses() -> list[str]:
    return list(Batch.objects.order_by("pk").values_list("status", flat=True))


class TestAShift:
    def test_works_on_all_that_is_due(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one", "two", "three")

        assert shift(PLACING).work(idle_grace=0) == 3
        assert statuses() == ["PLACED"] * 3

    def test_leaves_what_is_not_due(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one")
        Batch.objects.update(due_at=now + timedelta(seconds=1))

        assert (shift(PLACING).work(idle_grace=0), statuses()) == (0, ["QUEUED"])

    def test_leaves_what_another_has(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one")
        Batch.objects.update(leased_until=now + LEASE)

        assert (shift(PLACING).work(idle_grace=0), statuses()) == (0, ["QUEUED"])

    def test_asks_about_what_it_has_placed(self, instruments: None) -> None:
        gateway = make.gateway()
        queue(gateway, clock.wall(), "one")

        assert shift(PLACING, POLLING).work(idle_grace=0.2) == 2
        assert statuses() == ["COMPLETED"]

    def test_lets_links_take_turns_that_many_batches_of_another_hide(
        self, gateway: Gateway, now: datetime, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(batch_worker, "CHOSEN_FROM", 4)
        monkeypatch.setattr(place_and_poll, "CALLS_SECONDS", 60)
        queue(gateway, now - A_MOMENT, *(f"client-{n}" for n in range(9)))
        queue(gateway, now, "late", broker="dhan")
        queue(make.gateway(), now, "late", "later")
        use(Notes)
        Notes.spoken_to.clear()
        links.users.healthy.clear()

        shift(PLACING).work(idle_grace=0)

        assert Notes.spoken_to == [*["kite"] * 4, "dhan", "kite", "kite", *["kite"] * 5]
        assert statuses() == ["PLACED"] * 12

    def test_lets_brokers_take_turns(
        self, gateway: Gateway, now: datetime, use: Use, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(place_and_poll, "CALLS_SECONDS", 60)
        queue(gateway, now - A_MOMENT, *(f"client-{n}" for n in range(AT_ONCE + 2)))
        queue(gateway, now, "late", broker="dhan")
        use(Notes)
        Notes.spoken_to.clear()
        links.users.healthy.clear()

        shift(PLACING).work(idle_grace=0)

        assert Notes.spoken_to == ["kite"] * AT_ONCE + ["dhan"] + ["kite"] * 2

    def test_works_on_links_together_that_answered_last_time(
        self, gateway: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(place_and_poll, "CALLS_SECONDS", 60)
        for broker in ("kite", "dhan", "groww"):
            queue(gateway, now, "one", "two", broker=broker)
        links.users.healthy.discard((gateway.pk, "groww"))

        mine = shift(PLACING)
        assert sorted(mine._work_on_a_set(PLACING) for _ in range(2)) == [2, 4]

    def test_asks_a_link_that_fails_about_one_batch(self, gateway: Gateway, now: datetime, use: Use) -> None:
        queue(gateway, now, "one", "two", "three")
        with suppress(Unreachable):
            links.ask((gateway.pk, "kite"), Verb.FUNDS, _unreachable)

        assert shift(PLACING)._work_on_a_set(PLACING) == 1

    def test_leaves_a_link_that_is_down_to_one_probe(self, gateway: Gateway, now: datetime) -> None:
        queue(gateway, now, "one", "two")
        queue(gateway, now, "one", broker="dhan")
        make.outage(gateway, "kite")

        assert (shift(PLACING).work(idle_grace=0), statuses()) == (1, ["QUEUED", "QUEUED", "PLACED"])

        BrokerOutage.objects.update(probe_at=now)
        assert shift(PLACING)._work_on_a_set(PLACING) == 1
        assert BrokerOutage.objects.count() == 0

    def test_gives_back_what_it_does_not_come_to_in_time(
        self, gateway: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queue(gateway, now, "one", "two", "three")
        monkeypatch.setattr(place_and_poll, "CALLS_SECONDS", -1)

        assert shift(PLACING)._work_on_a_set(PLACING) == 1

        assert statuses() == ["PLACED", "QUEUED", "QUEUED"]
        assert set(Batch.objects.values_list("leased_until", flat=True)) == {now}

    def test_reaches_every_row_in_the_end(
        self, gateway: Gateway, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        queue(gateway, now, "one", "two", "three")
        monkeypatch.setattr(place_and_poll, "CALLS_SECONDS", -1)

        assert (shift(PLACING).work(idle_grace=0), statuses()) == (3, ["PLACED"] * 3)

    def test_of_a_set_that_fails_is_tried_again_one_by_one(self, gateway: Gateway, now: datetime, use: Use) -> None:
        queue(gateway, now, "unpalatable", "good", "better")
        use(Chokes)
        mine = shift(PLACING)

        for _ in range(2):  # together, then the one that it was
            with pytest.raises(ZeroDivisionError):
                mine.work(idle_grace=0)

        assert (mine.work(idle_grace=0), statuses()) == (2, ["QUEUED", "PLACED", "PLACED"])
        assert Batch.objects.earliest("pk").leased_until == now + LEASE

    def test_forgets_that_a_set_has_failed_once_it_is_done(self, gateway: Gateway, now: datetime, use: Use) -> None:
        queue(gateway, now, "unpalatable", "good")
        use(Chokes)
        mine = shift(PLACING)
        with pytest.raises(ZeroDivisionError):
            mine.work(idle_grace=0)
        use(SimulatedBroker)

        mine.work(idle_grace=0)

        assert (mine.isolated, statuses()) == (set(), ["PLACED", "PLACED"])

    def test_that_is_over_rings_for_another(
        self, gateway: Gateway, now: datetime, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        queue(gateway, now, "one")
        enqueue._last_enqueued.clear()
        before = enqueue.messages_waiting(["gateway"])

        with django_capture_on_commit_callbacks(execute=True):
            assert shift(PLACING).work(seconds=0) == 0

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
        work = PLACING
        if step == "following":
            settings.ENCRYPTION_KEYS, work = reached, POLLING
            shift(PLACING).work(idle_grace=0)
            Batch.objects.update(leased_until=F("placed_at"))
            make.later(gateway, seconds=10)
            settings.ENCRYPTION_KEYS = reached[1:]

        shift(work).work(idle_grace=0)

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
        shift(PLACING).work(idle_grace=0)
        settings.ENCRYPTION_KEYS = [reached[1], reached[0]]
        Batch.objects.update(leased_until=F("due_at"))  # as if the lease had lapsed

        shift(PLACING).work(idle_grace=0)

        assert statuses() == ["PLACED"] * 3


class TestWhatIsWrittenOfSeveral:
    def test_is_written_of_those_that_nobody_has_taken_over(self, gateway: Gateway, now: datetime) -> None:
        mine, theirs = queue(gateway, now, "one", "two")
        rows = [place_and_poll.read_one(batch.pk) for batch in (mine, theirs)]
        told = [place_and_poll._placed(batch, orders, session_of(batch.account)) for batch, orders in rows]
        Batch.objects.filter(pk=theirs.pk).update(attempts=F("attempts") + 1)

        written = record_batch_updates(told, PLACED_FIELDS)

        assert [one.batch.pk for one in written] == [mine.pk]
        assert statuses() == ["PLACED", "QUEUED"]
        assert [event.subject for event in Event.objects.all()] == [mine.batch_id]

    def test_is_logged_under_the_request_that_queued_each(self, gateway: Gateway, now: datetime) -> None:
        for name in ("the-first", "the-second"):
            with request_id.bound(name):
                queue(gateway, now, name)

        with request_id.bound("of-a-tick"):
            shift(PLACING).work(idle_grace=0)

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
        told = [place_and_poll.poll_result_of(*place_and_poll.read_one(batch.pk), {}, now).update for batch in batches]

        with CaptureQueriesContext(connection) as captured:
            if act == "write":
                record_batch_updates(told, REPORTED_FIELDS_AND_LOG)
            else:
                requeue(Batch.objects.all(), gateway, now=now)

        sent = [one["sql"].replace('"', "") for one in captured if "transactions_batch" in one["sql"]]
        assert re.search(r"ORDER BY (b\.id|1 ASC) FOR NO KEY UPDATE", sent[0])
        assert sent[1].startswith("UPDATE transactions_batch")


def test_a_set_is_held_for_longer_than_it_takes() -> None:
    assert timedelta(seconds=place_and_poll.CALLS_SECONDS) < LEASE / 100
