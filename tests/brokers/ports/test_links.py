"""Links to brokers: who may ask, what is answered at once, and what all processes hear of an outage."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Event, Thread
from time import monotonic, sleep

import pytest
import time_machine

from brokers.models import BrokerOutage
from brokers.ports import links
from brokers.ports.broker import CALL_LIMIT, Refused, SessionEnded, Unreachable, Verb
from brokers.ports.links import USERS, USERS_OF_A_BROKER, Links, NotAsked
from brokers.ports.outages import Link
from gateway.models import Gateway
from gateway.queue.concurrency import FIRST_WAIT, LONGEST_WAIT, OPENS_AFTER, PROBE_SECONDS
from tests import make

START = datetime(2026, 11, 20, 5, 30, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def time() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def gateway(time: time_machine.Traveller) -> Gateway:
    return make.gateway()


@pytest.fixture
def link(gateway: Gateway) -> Link:
    return gateway.pk, "kite"


def unreachable(wait: float = 0.0) -> Callable[[], str]:
    def fail() -> str:
        raise Unreachable("It hangs.", retry_after=timedelta(seconds=wait) if wait else None)

    return fail


def answer() -> str:
    return "answer"


def ask(those: Links, link: Link, question: Callable[[], str], verb: Verb = Verb.ORDER_BOOK) -> str:
    """As a worker does: it asks if it may, and tells the others."""
    those.refresh()
    if those.is_down(link) or not those.may_ask(link):
        return "not asked"
    try:
        return those.ask(link, verb, question)
    except Unreachable as error:
        return str(error)
    finally:
        those.save()


def take_down(links: Links, link: Link) -> None:
    for _ in range(OPENS_AFTER):
        ask(links, link, unreachable())


class TestALink:
    def test_that_cannot_be_reached_several_times_in_a_row_is_down_for_all_processes(self, link: Link) -> None:
        mine, theirs = Links(), Links()

        take_down(mine, link)

        assert [ask(one, link, answer) for one in (mine, theirs)] == ["not asked"] * 2
        row = BrokerOutage.objects.get()
        assert (row.gateway_id, row.broker, row.since, row.reason) == (*link, START, "It hangs.")

    def test_that_answers_between_two_failures_stays_up(self, link: Link) -> None:
        mine = Links()
        for _ in range(OPENS_AFTER - 1):
            ask(mine, link, unreachable())
        ask(mine, link, answer)
        for _ in range(OPENS_AFTER - 1):
            ask(mine, link, unreachable())

        assert (ask(mine, link, answer), BrokerOutage.objects.count()) == ("answer", 0)

    @pytest.mark.parametrize("no", [Refused("invalidOrder", "No."), SessionEnded("Log in.")])
    def test_that_says_no_answers(self, link: Link, no: Exception) -> None:
        def refuse() -> str:
            raise no

        mine = Links()
        for _ in range(OPENS_AFTER):
            ask(mine, link, unreachable())
            with suppress(type(no)):
                ask(mine, link, refuse)

        assert BrokerOutage.objects.count() == 0

    def test_that_is_down_takes_no_other_down(self, gateway: Gateway, link: Link) -> None:
        mine = Links()
        take_down(mine, link)

        others = (gateway.pk, "dhan"), (make.gateway().pk, "kite")
        assert [ask(mine, other, answer) for other in others] == ["answer"] * 2

    def test_that_asks_to_be_left_alone_is_left_alone_for_so_long_by_all(
        self, link: Link, time: time_machine.Traveller
    ) -> None:
        ask(Links(), link, unreachable(wait=20))

        time.shift(19.9)
        assert ask(Links(), link, answer) == "not asked"
        time.shift(0.2)
        assert ask(Links(), link, answer) == "answer"


class TestAProbe:
    def test_is_one_processs_at_a_time(self, link: Link, time: time_machine.Traveller) -> None:
        processes = [Links() for _ in range(4)]
        take_down(processes[0], link)
        time.shift(FIRST_WAIT)
        for one in processes:
            one.refresh()

        assert [one.may_ask(link) for one in processes] == [True, False, False, False]

    def test_is_one_call(self, link: Link, time: time_machine.Traveller) -> None:
        mine = Links()
        take_down(mine, link)
        time.shift(FIRST_WAIT)
        mine.refresh()

        assert mine.may_ask(link)
        with pytest.raises(Unreachable, match="It hangs"):
            mine.ask(link, Verb.PLACE, unreachable())
        with pytest.raises(NotAsked):
            mine.ask(link, Verb.PLACE, answer)

    def test_that_is_answered_brings_the_link_back_for_all(self, link: Link, time: time_machine.Traveller) -> None:
        mine, theirs = Links(), Links()
        take_down(mine, link)
        ask(theirs, link, answer)  # hears of the outage
        time.shift(FIRST_WAIT)

        assert [ask(one, link, answer) for one in (theirs, mine, theirs)] == ["answer"] * 3
        assert BrokerOutage.objects.count() == 0

    def test_waits_longer_each_time_and_never_more_than_the_limit(
        self, link: Link, time: time_machine.Traveller
    ) -> None:
        processes, asked = [Links(), Links()], []
        take_down(processes[0], link)
        for second in range(200):
            time.shift(1)
            asked += [second for one in processes if ask(one, link, unreachable()) == "It hangs."]

        apart = [later - one for one, later in pairwise(asked)]
        assert apart[:5] == [2, 4, 8, 16, LONGEST_WAIT]
        assert set(apart[5:]) == {LONGEST_WAIT}

    def test_of_a_process_that_died_is_replaced(self, link: Link, time: time_machine.Traveller) -> None:
        dying, living = Links(), Links()
        take_down(dying, link)
        time.shift(FIRST_WAIT)
        dying.refresh()
        assert dying.may_ask(link)

        time.shift(PROBE_SECONDS - 1)
        before = ask(living, link, answer)
        time.shift(1)

        assert (before, ask(living, link, answer)) == ("not asked", "answer")

    def test_may_take_as_long_as_any_call(self) -> None:
        assert 2 * CALL_LIMIT.total_seconds() < PROBE_SECONDS


class TestAUser:
    @pytest.fixture(autouse=True)
    def _who_waits_a_twentieth_of_a_second(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if "crowd" not in request.fixturenames:
            monkeypatch.setattr(links, "TURN_WITHIN", 0.05)

    @pytest.fixture
    def crowd(self) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(40) as people:
            yield people

    def test_waits_for_a_turn_at_a_broker_that_answers(self, gateway: Gateway, crowd: ThreadPoolExecutor) -> None:
        mine, link = Links(), (gateway.pk, "kite")

        def ask() -> str:
            since = mine._take_place(link)
            sleep(0.02)
            with mine.turns:
                mine.users.finish(link, since=since)
                mine.turns.notify_all()
            return "answer"

        assert [one.result() for one in [crowd.submit(ask) for _ in range(40)]] == ["answer"] * 40

    def test_waits_for_none_at_a_broker_that_is_slow(self, link: Link, crowd: ThreadPoolExecutor) -> None:
        mine = Links()
        mine.users.start(link, monotonic() - USERS.slow_after)
        began = monotonic()

        with pytest.raises(NotAsked):
            mine.ask_for_user(link, Verb.FUNDS, answer)
        assert monotonic() - began < links.TURN_WITHIN / 2

    def test_is_answered_at_once_if_the_link_is_down(self, link: Link) -> None:
        take_down(Links(), link)

        with pytest.raises(NotAsked, match="kite isn't responding"):
            Links().ask_for_user(link, Verb.LOGIN, answer)

    def test_may_send_the_probe(self, link: Link, time: time_machine.Traveller) -> None:
        take_down(Links(), link)
        time.shift(FIRST_WAIT)

        assert Links().ask_for_user(link, Verb.LOGIN, answer) == "answer"
        assert BrokerOutage.objects.count() == 0

    def test_finds_an_outage(self, link: Link) -> None:
        mine = Links()
        for _ in range(OPENS_AFTER):
            with pytest.raises(Unreachable, match="It hangs"):
                mine.ask_for_user(link, Verb.FUNDS, unreachable())

        assert BrokerOutage.objects.count() == 1

    def test_is_answered_at_once_if_enough_wait_for_the_broker(self, gateway: Gateway) -> None:
        mine, crowd = Links(), [(gateway.pk + place, "kite") for place in range(USERS_OF_A_BROKER)]
        for one in crowd:
            mine._take_place(one)

        with pytest.raises(NotAsked):
            mine.ask_for_user((gateway.pk + 999, "kite"), Verb.FUNDS, answer)
        assert mine.ask_for_user((gateway.pk, "dhan"), Verb.FUNDS, answer) == "answer"

    def test_is_answered_at_once_if_enough_wait_for_the_gateways_broker(self, gateway: Gateway, link: Link) -> None:
        mine = Links()
        for _ in range(USERS.unknown):
            mine._take_place(link)

        with pytest.raises(NotAsked):
            mine.ask_for_user(link, Verb.FUNDS, answer)

    def test_leaves_threads_to_the_web_however_many_brokers_hang(self, gateway: Gateway) -> None:
        mine = Links()
        for place in range(2 * USERS.at_once):
            with suppress(NotAsked):
                mine._take_place((gateway.pk, f"broker-{place}"))

        assert sum(map(len, mine.users.in_flight.values())) == USERS.at_once

    def test_gives_the_place_back(self, link: Link) -> None:
        mine = Links()
        for _ in range(USERS.at_once):
            with suppress(Unreachable):
                mine.ask_for_user(link, Verb.FUNDS, unreachable())

        assert mine.users.in_flight == {}


def test_an_answer_to_a_call_from_before_the_outage_ends_it(link: Link) -> None:
    mine, may_answer = Links(), Event()

    def slow() -> str:
        may_answer.wait(9)
        return "answer"

    early = Thread(target=mine.ask, args=(link, Verb.PLACE, slow))
    early.start()
    for _ in range(2 * OPENS_AFTER):
        with suppress(Unreachable):
            mine.ask(link, Verb.PLACE, unreachable())
    mine.save()
    down = BrokerOutage.objects.count()

    may_answer.set()
    early.join()
    mine.save()

    assert (down, BrokerOutage.objects.count()) == (1, 0)
