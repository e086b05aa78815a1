"""Events sent again: which, to whom, once; and in chunks that may be heard twice, or cut off."""

from datetime import datetime, timedelta

import pytest

from gateway.models import Gateway
from gateway.queue.leases import LEASE
from gateway.values.errors import NotFound
from tests import make
from tests.smallcases.counting import at_most
from tests.webhooks import ledger
from webhooks.delivery.endpoints import disable
from webhooks.events import replay as replaying
from webhooks.events.event_types import EventType
from webhooks.events.replay import (
    MOST_RUNNING,
    SETTLING,
    AlreadyReplaying,
    NobodyListens,
    NothingMissed,
    Span,
    recover,
    replay,
    replay_events,
    send_again,
    start_replay,
)
from webhooks.events.send_test_event import send_sample
from webhooks.models import Delivery, Endpoint, Replay
from webhooks.tasks import sweep_replays

pytestmark = pytest.mark.usefixtures("db", "still")
HOUR = timedelta(hours=1)


@pytest.fixture
def here() -> Gateway:
    return make.gateway()


@pytest.fixture
def hooks(here: Gateway) -> Endpoint:
    return ledger.endpoint(here)


def done(running: Replay) -> Replay:
    """Worked on until nothing more comes."""
    for attempt in range(20):
        replay(row=running.pk, attempt=attempt)
    return Replay.objects.get(pk=running.pk)


class TestOneEvent:
    def test_is_owed_again_as_if_for_the_first_time(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        event = ledger.event(here, now - HOUR)
        ledger.settled("DELIVERED", now - HOUR)

        assert replay_events(gateway=here, keys=[event.key], now=now) == 1

        row = Delivery.objects.get()
        assert (row.status, row.due_at, row.leased_until, row.finished_at) == ("DUE", now, now, None)
        assert (row.attempts, row.failures, row.is_bulk) == (4, 0, False)

    def test_is_due_by_the_gateways_clock_and_free_by_the_walls(
        self, here: Gateway, hooks: Endpoint, now: datetime
    ) -> None:
        event = ledger.event(here, now)
        ledger.settled("GIVEN_UP", now)
        ahead = make.later(here, hours=5)

        replay_events(gateway=here, keys=[event.key], now=ahead)

        assert Delivery.objects.values_list("due_at", "leased_until").get() == (now + 5 * HOUR, now)

    def test_takes_the_row_from_whoever_is_at_it(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        event = ledger.event(here, now)
        Delivery.objects.update(due_at=now + HOUR, attempts=3)

        replay_events(gateway=here, keys=[event.key], now=now)

        assert Delivery.objects.values_list("due_at", "attempts").get() == (now, 4)

    def test_wished_twice_is_owed_once(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        event = ledger.event(here, now)
        ledger.settled("DELIVERED", now)

        for _ in range(2):
            assert replay_events(gateway=here, keys=[event.key], now=now) == 1

        assert Delivery.objects.values_list("status", "attempts").get() == ("DUE", 4)

    def test_goes_to_an_endpoint_that_was_owed_nothing(self, here: Gateway, now: datetime) -> None:
        event = ledger.event(here, now)
        ledger.endpoint(here, "late")

        replay_events(gateway=here, keys=[event.key], now=now)

        row = Delivery.objects.get()
        assert (row.event, row.status, row.due_at, row.is_bulk) == (event, "DUE", now, False)

    def test_does_not_go_to_one_that_does_not_hear_its_type(self, here: Gateway, now: datetime) -> None:
        event = ledger.event(here, now)
        ledger.endpoint(here, types=[EventType.ACTION_PENDING])

        with pytest.raises(NobodyListens):
            replay_events(gateway=here, keys=[event.key], now=now)

        assert not Delivery.objects.exists()

    def test_does_not_go_to_a_disabled_one(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        event = ledger.event(here, now)
        ledger.settled("GIVEN_UP", now)
        disable(hooks, because="It fails.", now=now)

        with pytest.raises(NobodyListens):
            replay_events(gateway=here, keys=[event.key], now=now)

        assert Delivery.objects.get().status == "GIVEN_UP"

    def test_of_another_gateway_is_not_there(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        event = ledger.event(here, now)
        ledger.settled("DELIVERED", now)

        with pytest.raises(NotFound):
            replay_events(gateway=make.gateway(), keys=[event.key], now=now)

        assert Delivery.objects.get().status == "DELIVERED"

    def test_of_another_user_is_not_there(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        event = ledger.event(here, now)
        ledger.settled("DELIVERED", now)

        with pytest.raises(NotFound):
            replay_events(gateway=here, keys=[event.key], auth_id="a" * 24, now=now)

        assert Delivery.objects.get().status == "DELIVERED"

    def test_that_was_a_sample_stays_with_whom_it_was_sent_to(
        self, here: Gateway, hooks: Endpoint, now: datetime
    ) -> None:
        other = ledger.endpoint(here, "other")
        sent = send_sample(gateway=here, kind=EventType.ORDER_PLACED, endpoint=hooks, marked=True, now=now)
        ledger.settled("DELIVERED", now)

        replay_events(gateway=here, keys=[sent.key], now=now)

        assert ledger.owed() == [("1", "hooks")]
        assert not other.deliveries.exists()


class TestSomeEvents:
    def test_are_owed_in_a_handful_of_statements(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        ledger.endpoint(here, "other")
        events = ledger.events(here, now, 40)
        ledger.settled("DELIVERED", now)
        ledger.endpoint(here, "late")

        with at_most(5):
            assert replay_events(gateway=here, keys=[event.key for event in events], now=now) == 40

        assert len(ledger.owed()) == 120

    def test_are_all_there_or_none_is_sent(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        event = ledger.event(here, now)
        ledger.settled("DELIVERED", now)
        missing = f"evt_{'0' * 24}"

        with pytest.raises(NotFound) as refusal:
            replay_events(gateway=here, keys=[event.key, missing], now=now)

        assert refusal.value.sentences == ("There is no event with this id: 2 of 2.",)
        assert ledger.owed() == []


class TestDeliveriesOfAnOperatorsChoice:
    def test_are_owed_again_but_for_those_of_disabled_endpoints(
        self, here: Gateway, hooks: Endpoint, now: datetime
    ) -> None:
        dead = ledger.endpoint(here, "dead")
        ledger.events(here, now, 2)
        ledger.settled("GIVEN_UP", now)
        disable(dead, because="It fails.", now=now)

        assert send_again(deliveries=Delivery.objects.all()) == 2

        assert ledger.owed() == [("1", "hooks"), ("2", "hooks")]

    def test_are_due_by_the_clock_of_their_own_gateway(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        there = make.gateway()
        ledger.endpoint(there)
        ledger.event(here, now)
        ledger.event(there, now)
        ledger.settled("DELIVERED", now)
        make.later(there, hours=3)

        send_again(deliveries=Delivery.objects.all())

        dues = dict(Delivery.objects.values_list("gateway__name", "due_at"))
        assert dues == {here.name: now, there.name: now + 3 * HOUR}


class TestSinceATime:
    def test_takes_what_was_recorded_from_then_until_then(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        for sequence, ago in enumerate((3, 2, 1, 0), start=1):
            ledger.event(here, now - ago * HOUR, sequence=sequence)
        ledger.settled("DELIVERED", now)

        begun = start_replay(gateway=here, span=Span(since=now - 2 * HOUR, until=now), now=now)

        assert (done(begun).replayed, done(begun).due_at) == (2, None)
        assert ledger.owed() == [("2", "hooks"), ("3", "hooks")]

    def test_is_bulk_and_in_order(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        ledger.events(here, now, 3)
        ledger.settled("DELIVERED", now)

        done(start_replay(gateway=here, span=Span(since=now), now=now))

        rows = Delivery.objects.order_by("is_bulk", "due_at", "pk").values_list("event__sequence", "is_bulk")
        assert list(rows) == [(1, True), (2, True), (3, True)]

    def test_leaves_what_waits_for_its_next_attempt_in_its_lane(
        self, here: Gateway, hooks: Endpoint, now: datetime
    ) -> None:
        ledger.event(here, now)
        Delivery.objects.update(due_at=now + HOUR, failures=4)

        done(start_replay(gateway=here, span=Span(since=now), now=now))

        assert Delivery.objects.values_list("is_bulk", "due_at", "failures").get() == (False, now, 0)

    @pytest.mark.parametrize(
        ("kind", "auth_id", "taken"),
        [
            (EventType.ORDER_PLACED, "", ["1"]),
            (None, "a" * 24, ["2"]),
            (EventType.ORDER_PLACED, "a" * 24, []),
            (None, "", ["1", "2"]),
        ],
    )
    def test_is_narrowed_by_type_and_by_user(
        self, here: Gateway, now: datetime, *, kind: EventType | None, auth_id: str, taken: list[str]
    ) -> None:
        ledger.endpoint(here)
        ledger.event(here, now, kind=EventType.ORDER_PLACED)
        ledger.event(here, now, sequence=2, auth_id="a" * 24)
        ledger.settled("DELIVERED", now)

        done(start_replay(gateway=here, span=Span(since=now, kind=kind), auth_id=auth_id, now=now))

        assert [sequence for sequence, _ in ledger.owed()] == taken

    def test_takes_only_what_was_missed_when_told(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        ledger.events(here, now, 2)
        ledger.settled("DELIVERED", now)
        Delivery.objects.filter(event__sequence=2).update(status="GIVEN_UP")
        late = ledger.endpoint(here, "late")

        done(start_replay(gateway=here, span=Span(since=now, only_missed=True), now=now))

        assert ledger.owed() == [("1", "late"), ("2", "hooks"), ("2", "late")]
        assert late.deliveries.filter(is_bulk=True).count() == 2

    def test_takes_nothing_of_another_gateway(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        there = make.gateway()
        ledger.endpoint(there)
        ledger.event(there, now)
        ledger.settled("DELIVERED", now)

        assert done(start_replay(gateway=here, span=Span(since=now), now=now)).replayed == 0

        assert ledger.owed() == []

    def test_goes_on_chunk_by_chunk(
        self, here: Gateway, hooks: Endpoint, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replaying, "CHUNK", 4)
        ledger.endpoint(here, "other")
        events = ledger.events(here, now, 3)  # two events for each chunk, because each has two deliveries
        ledger.settled("DELIVERED", now)
        begun = start_replay(gateway=here, span=Span(since=now), now=now)

        progress = []
        for attempt in range(3):
            replay(row=begun.pk, attempt=attempt)
            row = Replay.objects.get()
            progress.append((row.replayed, row.replayed_up_to, row.due_at is None))

        last = events[-1].pk
        assert progress == [(2, events[1].pk, False), (3, last, True), (3, last, True)]

    def test_heard_twice_replays_once(
        self, here: Gateway, hooks: Endpoint, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replaying, "CHUNK", 1)
        ledger.events(here, now, 2)
        ledger.settled("DELIVERED", now)
        begun = start_replay(gateway=here, span=Span(since=now), now=now)

        for _ in range(2):
            replay(row=begun.pk, attempt=0)

        assert ledger.owed() == [("1", "hooks")]

    def test_writes_nothing_once_another_has_the_row(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        ledger.events(here, now, 2)
        ledger.settled("DELIVERED", now)
        late = start_replay(gateway=here, span=Span(since=now), now=now)
        Replay.objects.update(attempts=1)

        replaying._replay_chunk(late, now)

        assert ledger.owed() == []
        assert Replay.objects.get().replayed == 0

    def test_is_taken_up_again_after_its_worker_died(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        ledger.event(here, now)
        ledger.settled("DELIVERED", now)
        begun = start_replay(gateway=here, span=Span(since=now), now=now)
        Replay.objects.update(attempts=1, leased_until=now + LEASE)  # claimed, and then silence

        replay(row=begun.pk, attempt=1)

        assert (Replay.objects.get().replayed, len(ledger.owed())) == (1, 1)

    def test_costs_a_handful_of_statements_a_chunk(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        ledger.events(here, now, 50)
        ledger.settled("DELIVERED", now)
        ledger.endpoint(here, "late")
        begun = start_replay(gateway=here, span=Span(since=now), now=now)

        with at_most(10):
            replay(row=begun.pk, attempt=0)

        assert len(ledger.owed()) == 100

    def test_of_a_row_that_is_gone_does_nothing(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        begun = start_replay(gateway=here, span=Span(since=now), now=now)
        Replay.objects.all().delete()

        replay(row=begun.pk, attempt=0)

        assert not Delivery.objects.exists()

    def test_twice_at_once_is_refused_by_the_name_of_the_first(
        self, here: Gateway, hooks: Endpoint, now: datetime
    ) -> None:
        first = start_replay(gateway=here, span=Span(since=now), now=now)

        with pytest.raises(AlreadyReplaying) as refusal:
            start_replay(gateway=here, span=Span(since=now), now=now + HOUR)

        assert first.key in refusal.value.sentences[0]
        assert Replay.objects.count() == 1

    def test_is_taken_again_once_the_first_is_done(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        done(start_replay(gateway=here, span=Span(since=now), now=now))

        start_replay(gateway=here, span=Span(since=now), now=now)

        assert Replay.objects.count() == 2

    def test_is_asked_for_so_often_at_once_and_no_more(self, here: Gateway, hooks: Endpoint, now: datetime) -> None:
        for hour in range(MOST_RUNNING):
            start_replay(gateway=here, span=Span(since=now - hour * HOUR), now=now)

        with pytest.raises(AlreadyReplaying):
            start_replay(gateway=here, span=Span(since=now - 9 * HOUR), now=now)

        assert Replay.objects.count() == MOST_RUNNING

    def test_one_gateways_replays_are_no_other_gateways_concern(
        self, here: Gateway, hooks: Endpoint, now: datetime
    ) -> None:
        start_replay(gateway=here, span=Span(since=now), now=now)

        start_replay(gateway=make.gateway(), span=Span(since=now), now=now)

        assert Replay.objects.count() == 2


class TestRecovering:
    @pytest.fixture
    def disabled(self, hooks: Endpoint, here: Gateway, now: datetime) -> Endpoint:
        """An event was given up, the endpoint disabled, and another event recorded since."""
        ledger.event(here, now - 4 * HOUR)
        ledger.settled("DELIVERED", now - 4 * HOUR)
        given_up = ledger.event(here, now - 3 * HOUR, sequence=2)
        owed = Delivery.objects.filter(event=given_up)
        owed.update(status="GIVEN_UP", due_at=None, finished_at=now - HOUR)
        Endpoint.objects.update(failures=9, failing_since=now - 2 * HOUR)
        disable(hooks, because="It fails.", now=now - HOUR)
        ledger.event(here, now - HOUR / 2, sequence=3)
        return Endpoint.objects.get()

    def test_enables_and_owes_what_was_missed(self, disabled: Endpoint, now: datetime) -> None:
        done(recover(endpoint=disabled, now=now))

        row = Endpoint.objects.get()
        assert (row.is_enabled, row.failures, row.failing_since, row.disabled_at) == (True, 0, None, None)
        assert ledger.owed() == [("2", "hooks"), ("3", "hooks")]

    def test_begins_with_what_was_first_to_fail_though_it_was_recorded_sooner(
        self, disabled: Endpoint, now: datetime
    ) -> None:
        assert recover(endpoint=disabled, now=now).since == now - 3 * HOUR

    def test_takes_the_time_that_it_is_told(self, disabled: Endpoint, now: datetime) -> None:
        done(recover(endpoint=disabled, since=now - HOUR / 2, now=now))

        assert ledger.owed() == [("3", "hooks")]

    def test_waits_for_changes_that_saw_the_endpoint_disabled(
        self, disabled: Endpoint, here: Gateway, now: datetime
    ) -> None:
        begun = recover(endpoint=disabled, now=now)
        Delivery.objects.filter(event=ledger.event(here, now, sequence=4)).delete()  # it had read "disabled"
        sweep_replays()
        early = Replay.objects.get()

        done(begun)

        assert (early.leased_until, early.attempts) == (now + SETTLING, 0)
        assert ("4", "hooks") in ledger.owed()

    def test_owes_nothing_to_other_endpoints(self, disabled: Endpoint, here: Gateway, now: datetime) -> None:
        ledger.endpoint(here, "other")

        done(recover(endpoint=disabled, now=now))

        assert ledger.owed() == [("2", "hooks"), ("3", "hooks")]

    def test_twice_is_refused_by_the_name_of_the_first(self, disabled: Endpoint, now: datetime) -> None:
        first = recover(endpoint=disabled, now=now)

        with pytest.raises(AlreadyReplaying) as refusal:
            recover(endpoint=disabled, now=now)

        assert first.key in refusal.value.sentences[0]

    def test_of_an_endpoint_that_is_well_asks_since_when(self, hooks: Endpoint, now: datetime) -> None:
        with pytest.raises(NothingMissed):
            recover(endpoint=hooks, now=now)

        assert not Replay.objects.exists()

    def test_ends_when_the_endpoint_is_disabled_again(self, disabled: Endpoint, now: datetime) -> None:
        begun = recover(endpoint=disabled, now=now)
        disable(disabled, because="Again.", now=now)

        assert done(begun).due_at is None

        assert ledger.owed() == []


@pytest.mark.usefixtures("eager")
def test_the_sweep_finds_a_replay_whose_bell_was_lost(here: Gateway, hooks: Endpoint, now: datetime) -> None:
    ledger.event(here, now)
    begun = start_replay(gateway=here, span=Span(since=now), now=now)
    ledger.settled("DELIVERED", now)
    Replay.objects.update(due_at=now, leased_until=now, replayed=0, replayed_up_to=0, last_event=0)

    sweep_replays()

    assert Replay.objects.values_list("due_at", "replayed").get(pk=begun.pk) == (None, 1)
    assert ledger.owed() == [("1", "hooks")]
