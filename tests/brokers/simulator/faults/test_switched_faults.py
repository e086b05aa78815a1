"""Faults that a tester switches on, met by calls through the port."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import pytest
from django.db import IntegrityError

from brokers.ports.broker import (
    Broker,
    LiveSession,
    NewOrder,
    OrderType,
    Refused,
    SentOrder,
    SessionEnded,
    Side,
    Unreachable,
    Validity,
    Variety,
    Verb,
)
from brokers.simulator.faults import link_faults
from brokers.simulator.faults.switched_faults import WRITTEN, clear_faults, fault_named, faults_of, switch_faults
from brokers.simulator.models import BrokerFault, SimAccount, SimOrder
from gateway.models import Gateway
from gateway.partners import clock
from tests import make
from tests.brokers.simulator.conftest import Enter

INFY: Final = NewOrder("ref-1", "INFY", Side.BUY, 10, OrderType.MARKET, Variety.REGULAR, Validity.DAY, None, None)
SENT: Final = SentOrder("ref-1", Variety.REGULAR, None)
LATER: Final = timedelta(minutes=1)
Call = Callable[[Broker, LiveSession, datetime], object]
CALLS: Final[Mapping[Verb, Call]] = {
    Verb.FUNDS: lambda broker, login, now: broker.funds(login, now=now),
    Verb.HOLDINGS: lambda broker, login, now: broker.holdings(login, now=now),
    Verb.PLACE: lambda broker, login, now: broker.place(login, INFY, now=now),
    Verb.ORDER_BOOK: lambda broker, login, now: broker.order_book(login, ["ref-1"], now=now),
    Verb.CANCEL: lambda broker, login, now: broker.cancel(login, SENT, now=now),
}
EVERY_CALL: Final = pytest.mark.parametrize("verb", CALLS)


def switch(gateway: Gateway, *, broker: str = "kite", **faults: str | None) -> None:
    named = {Verb(verb): fault_named(text) if text else None for verb, text in faults.items()}
    switch_faults(gateway=gateway, broker=broker, faults=named, now=clock.wall())


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that calls would have slept."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


class TestACall:
    @EVERY_CALL
    def test_that_is_unreachable_has_not_arrived(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime, verb: Verb
    ) -> None:
        login = enter()
        switch(gateway, **{verb: "unreachable"})

        with pytest.raises(Unreachable) as failed:
            CALLS[verb](broker, login, now)

        assert (failed.value.may_have_arrived, failed.value.retry_after) == (False, None)
        assert not SimOrder.objects.exists()

    @EVERY_CALL
    def test_that_is_rate_limited_has_not_arrived_and_names_the_wait(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime, verb: Verb
    ) -> None:
        login = enter()
        switch(gateway, **{verb: "rate_limited:2.5"})

        with pytest.raises(Unreachable) as failed:
            CALLS[verb](broker, login, now)

        assert (failed.value.may_have_arrived, failed.value.retry_after) == (False, timedelta(seconds=2.5))
        assert not SimOrder.objects.exists()

    @EVERY_CALL
    def test_that_is_unanswered_may_have_arrived(
        self, gateway: Gateway, enter: Enter, broker: Broker, slept: list[float], verb: Verb
    ) -> None:
        login = enter()
        switch(gateway, **{verb: "unanswered"})

        with pytest.raises(Unreachable) as failed:
            CALLS[verb](broker, login, clock.wall())

        assert (failed.value.may_have_arrived, slept) == (True, [link_faults.HANG_SECONDS])

    @EVERY_CALL
    def test_that_is_slow_answers_late(
        self, gateway: Gateway, enter: Enter, broker: Broker, slept: list[float], verb: Verb
    ) -> None:
        login = enter()
        expected = CALLS[verb](broker, login, clock.wall())
        switch(gateway, **{verb: "slow:0.2"})

        assert CALLS[verb](broker, login, clock.wall()) == expected
        assert slept == [0.2]

    @EVERY_CALL
    def test_that_is_slower_than_the_limit_may_have_arrived(
        self, gateway: Gateway, enter: Enter, broker: Broker, slept: list[float], verb: Verb
    ) -> None:
        login = enter()
        switch(gateway, **{verb: "slow:30"})

        with pytest.raises(Unreachable) as failed:
            CALLS[verb](broker, login, clock.wall())

        assert (failed.value.may_have_arrived, slept) == (True, [5.0])

    @pytest.mark.parametrize("fault", ["unanswered", "slow:30"])
    def test_whose_answer_is_lost_was_carried_out(
        self, gateway: Gateway, enter: Enter, broker: Broker, slept: list[float], fault: str
    ) -> None:
        login = enter()
        switch(gateway, place=fault)

        with pytest.raises(Unreachable):
            broker.place(login, INFY, now=clock.wall())

        assert [report.filled_quantity for report in broker.order_book(login, ["ref-1"], now=clock.wall() + LATER)] == [
            10
        ]

    def test_that_places_an_order_is_refused_late_or_not_at_all(
        self, gateway: Gateway, enter: Enter, broker: Broker, slept: list[float]
    ) -> None:
        login = enter("broker-down")
        for fault, answer in (("slow:0.1", Refused), ("unanswered", Unreachable)):
            switch(gateway, place=fault)
            with pytest.raises(answer):
                broker.place(login, INFY, now=clock.wall())

        assert (slept, SimOrder.objects.count()) == ([0.1, link_faults.HANG_SECONDS], 0)

    def test_of_another_verb_broker_or_gateway_is_sound(self, gateway: Gateway, enter: Enter, broker: Broker) -> None:
        here = enter()
        elsewhere = broker.login(gateway=make.gateway().pk, broker="kite", client_id="happy", pin="1", now=clock.wall())
        switch(gateway, funds="unreachable")

        assert broker.funds(enter(key="groww"), now=clock.wall()) == broker.funds(elsewhere, now=clock.wall())
        assert broker.holdings(here, now=clock.wall()) == []

    def test_is_sound_again_once_the_fault_is_off(self, gateway: Gateway, enter: Enter, broker: Broker) -> None:
        login = enter()
        switch(gateway, funds="unreachable", holdings="unreachable")
        switch(gateway, funds=None)
        assert broker.funds(login, now=clock.wall()) > 0

        clear_faults(gateway=gateway, broker="kite")

        assert broker.holdings(login, now=clock.wall()) == []


class TestALogin:
    @pytest.mark.parametrize("fault", ["unreachable", "rate_limited:1", "unanswered", "slow:9"])
    def test_fails(self, gateway: Gateway, enter: Enter, slept: list[float], fault: str) -> None:
        switch(gateway, login=fault)

        with pytest.raises(Unreachable):
            enter()

    @pytest.mark.parametrize(("fault", "answer"), [("slow:0.1", Refused), ("unanswered", Unreachable)])
    def test_is_refused_late_or_not_at_all(
        self, gateway: Gateway, enter: Enter, slept: list[float], fault: str, answer: type[Exception]
    ) -> None:
        switch(gateway, login=fault)

        with pytest.raises(answer):
            enter("login-fails")

        assert len(slept) == 1


class TestASession:
    @EVERY_CALL
    def test_ends_at_its_next_call(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime, verb: Verb
    ) -> None:
        login = enter()
        switch(gateway, **{verb: "session_ended"})

        with pytest.raises(SessionEnded):
            CALLS[verb](broker, login, now)

        assert not SimOrder.objects.exists()

    @EVERY_CALL
    def test_that_has_ended_is_so_for_every_verb_and_for_good(
        self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime, verb: Verb
    ) -> None:
        login = enter()
        switch(gateway, funds="session_ended")
        with pytest.raises(SessionEnded):
            broker.funds(login, now=now)
        clear_faults(gateway=gateway, broker="kite")

        with pytest.raises(SessionEnded):
            CALLS[verb](broker, login, now)

    def test_lives_on_where_it_was_not_used(self, gateway: Gateway, enter: Enter, broker: Broker) -> None:
        login = enter()
        switch(gateway, funds="session_ended")
        assert broker.holdings(login, now=clock.wall()) == []
        clear_faults(gateway=gateway, broker="kite")

        assert broker.funds(login, now=clock.wall()) > 0

    def test_that_a_new_login_starts_lives(self, gateway: Gateway, enter: Enter, broker: Broker) -> None:
        old = enter()
        switch(gateway, funds="session_ended")
        new = enter()
        with pytest.raises(SessionEnded):
            broker.funds(old, now=clock.wall())

        assert broker.funds(new, now=clock.wall()) > 0

    def test_ends_again_when_the_fault_is_set_again(self, gateway: Gateway, enter: Enter, broker: Broker) -> None:
        for login in (enter(), enter()):
            switch(gateway, funds="session_ended")
            with pytest.raises(SessionEnded):
                broker.funds(login, now=clock.wall())
        last = enter()
        switch(gateway, funds="session_ended")
        with pytest.raises(SessionEnded):
            broker.funds(last, now=clock.wall())
        clear_faults(gateway=gateway, broker="kite")

        with pytest.raises(SessionEnded):
            broker.funds(last, now=clock.wall())

    def test_of_the_last_release_can_end(self, gateway: Gateway, enter: Enter, broker: Broker) -> None:
        enter()
        old = LiveSession(gateway=gateway.pk, broker="kite", client_id="happy", token="marginsExceeded")
        assert broker.funds(old, now=clock.wall()) > 0
        switch(gateway, funds="session_ended")

        with pytest.raises(SessionEnded):
            broker.funds(old, now=clock.wall())

    def test_of_another_client_goes_on(self, gateway: Gateway, enter: Enter, broker: Broker, now: datetime) -> None:
        login, other = enter(), enter("happy-2")
        switch(gateway, funds="session_ended")
        with pytest.raises(SessionEnded):
            broker.funds(login, now=now)

        assert SimAccount.objects.get(client_id="happy-2").sessions_ended_until is None
        assert broker.holdings(other, now=now) == []

    def test_of_session_ends_is_the_first_one_and_ends_with_its_orders_resting(
        self, enter: Enter, broker: Broker, now: datetime
    ) -> None:
        first = enter("session-ends")
        broker.place(first, INFY, now=now)
        for _ in range(2):
            with pytest.raises(SessionEnded):
                broker.order_book(first, ["ref-1"], now=now + LATER)

        second = enter("session-ends")

        for _ in range(2):
            (report,) = broker.order_book(second, ["ref-1"], now=now + LATER)
            assert report.filled_quantity == 10


class TestSwitchFaults:
    def test_changes_the_verbs_that_it_names(self, gateway: Gateway) -> None:
        switch(gateway, place="slow:2", order_book="unreachable", cancel="session_ended")

        switch(gateway, place="rate_limited:0.25", order_book=None)

        assert {verb: fault for verb, fault in faults_of(gateway, "kite").items() if fault} == {
            "place": "rate_limited:0.25",
            "cancel": "session_ended",
        }

    def test_twice_changes_nothing_more(self, gateway: Gateway) -> None:
        switch(gateway, place="slow:2")
        switch(gateway, place="slow:2")

        assert BrokerFault.objects.count() == 1

    @pytest.mark.parametrize(("kind", "seconds"), [("slow", None), ("slow", -1.0), ("unreachable", 1.0)])
    def test_leaves_no_fault_with_the_wrong_seconds_to_the_database(
        self, gateway: Gateway, kind: str, seconds: float | None
    ) -> None:
        with pytest.raises(IntegrityError):
            BrokerFault.objects.create(
                gateway=gateway, broker="kite", verb="place", kind=kind, seconds=seconds, set_at=clock.wall()
            )


class TestWritten:
    @pytest.mark.parametrize(
        "text", ["slow", "slow:", "slow:-1", "slow:1e3", "slow:٣", "slow:12345", "lost", "unreachable:1", ""]
    )
    def test_takes_nothing_else(self, text: str) -> None:
        assert not WRITTEN.fullmatch(text)
