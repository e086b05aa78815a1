"""Threads that post: who shares them, and what becomes of those who wait behind one that hangs."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from threading import Barrier, Event, get_ident

import pytest

from webhooks.client import Answer
from webhooks.hands import FEW, STUCK_AFTER, SWIFT_MS, Hands

ENDPOINT = 7
OK = Answer(200, 1)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def released() -> Iterator[Event]:
    """Until it is set, or ten seconds."""
    event = Event()
    yield event
    event.set()


def landed(answer: Answer) -> "Future[Answer]":
    future: Future[Answer] = Future()
    future.set_result(answer)
    return future


def broken() -> "Future[Answer]":
    future: Future[Answer] = Future()
    future.set_exception(ValueError("on our side"))
    return future


def waits_for(event: Event) -> Callable[[], Answer]:
    def post() -> Answer:
        event.wait(10)
        return OK

    return post


def give(hands: Hands, number: int, post: Callable[[], Answer]) -> "list[Future[Answer]]":
    return [hands.give(ENDPOINT, post, in_flight=FEW + 1) for _ in range(number)]


class TestThreads:
    def test_are_one_each_for_whom_nothing_is_known_of(self, hands: Hands) -> None:
        meeting = Barrier(20)

        def post() -> Answer:
            meeting.wait(10)
            return OK

        assert [future.result(10) for future in give(hands, 20, post)] == [OK] * 20

    def test_are_few_for_who_answers_at_once(self, hands: Hands) -> None:
        seen: set[int] = set()

        def post() -> Answer:
            seen.add(get_ident())
            time.sleep(0.001)
            return OK

        hands.learn(ENDPOINT, landed(OK))
        wait(give(hands, 40, post), timeout=10)

        assert len(seen) == FEW

    def test_are_one_each_where_there_is_no_crowd(self, hands: Hands, released: Event) -> None:
        """So that endpoints which answered at once until now, and hang, keep none waiting."""
        for endpoint in range(FEW + 1):
            hands.learn(endpoint, landed(OK))
            hands.give(endpoint, waits_for(released), in_flight=FEW)

        assert hands.give(0, lambda: OK, in_flight=FEW).result(1) == OK


class TestWhoIsSwift:
    @pytest.mark.parametrize(
        ("last", "is_swift"),
        [
            (landed(Answer(200, SWIFT_MS)), True),
            (landed(Answer(500, 0)), True),
            (landed(Answer(200, SWIFT_MS + 1)), False),
            (landed(Answer(None, 10_000, error="Timeout")), False),
            (broken(), False),
        ],
    )
    def test_is_told_by_the_last_answer(self, hands: Hands, last: "Future[Answer]", is_swift: bool) -> None:
        hands.learn(ENDPOINT, landed(OK))

        hands.learn(ENDPOINT, last)

        assert (ENDPOINT in hands.swift) == is_swift


class TestAreStuck:
    def test_when_all_of_them_wait(self, hands: Hands, released: Event) -> None:
        hands.learn(ENDPOINT, landed(OK))
        give(hands, FEW + 1, waits_for(released))
        now = time.monotonic()

        assert [hands.are_stuck(now), hands.are_stuck(now + STUCK_AFTER)] == [False, True]

    def test_not_while_one_of_them_moves(self, hands: Hands, released: Event) -> None:
        hands.learn(ENDPOINT, landed(OK))
        give(hands, FEW - 1, waits_for(released))
        time.sleep(STUCK_AFTER)
        (moving,) = give(hands, 1, lambda: OK)
        moving.result(10)
        while hands.moved == 0.0:  # its callback comes after its result
            time.sleep(0.001)

        assert hands.are_stuck(time.monotonic()) is False

    def test_not_when_nothing_was_given(self, hands: Hands) -> None:
        assert hands.are_stuck(time.monotonic() + 60) is False

    def test_not_over_what_is_done_and_not_yet_taken_note_of(self, hands: Hands) -> None:
        hands.learn(ENDPOINT, landed(OK))
        wait(give(hands, 3, lambda: OK), timeout=10)

        assert hands.are_stuck(time.monotonic() + 60) is False


class TestLetGo:
    def test_gives_back_what_had_not_begun(self, hands: Hands, released: Event) -> None:
        hands.learn(ENDPOINT, landed(OK))
        begun = give(hands, FEW, waits_for(released))
        while not all(future.running() for future in begun):
            time.sleep(0.001)
        waiting = give(hands, 3, waits_for(released))

        assert hands.let_go() == waiting
        released.set()
        assert [future.result(10) for future in begun] == [OK] * FEW

    def test_begins_anew(self, hands: Hands, released: Event) -> None:
        hands.learn(ENDPOINT, landed(OK))
        give(hands, FEW, waits_for(released))

        hands.let_go()

        assert (hands.swift, hands.given) == (set(), {})
        hands.learn(ENDPOINT, landed(OK))
        assert give(hands, 1, lambda: OK)[0].result(10) == OK
