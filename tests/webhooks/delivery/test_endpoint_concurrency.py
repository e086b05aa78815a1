"""Room in a courier: who gets how much of it, and who waits."""

import pytest

from webhooks.delivery.endpoint_concurrency import (
    AT_ONCE,
    SLOW_AFTER,
    TO_A_FAILING_ONE,
    TO_A_GOOD_ONE,
    TO_AN_UNKNOWN_ONE,
    YOUNG_AT_ONCE,
    Lanes,
)

START, SOON, LATER = 100.0, 100.0 + SLOW_AFTER / 2, 100.0 + SLOW_AFTER


@pytest.fixture
def lanes() -> Lanes:
    return Lanes()


def fill(lanes: Lanes, endpoint: int, now: float = START) -> int:
    """How many it is given, one after the other."""
    given = 0
    while lanes.is_open(endpoint, now):
        lanes.take_off(endpoint, now)
        given += 1
    return given


class TestAnEndpoint:
    def test_not_heard_of_gets_little(self, lanes: Lanes) -> None:
        assert fill(lanes, 1) == TO_AN_UNKNOWN_ONE == 4

    def test_that_answers_gets_much(self, lanes: Lanes) -> None:
        lanes.praise(1)

        assert fill(lanes, 1) == TO_A_GOOD_ONE == 32

    def test_that_fails_gets_one_at_a_time(self, lanes: Lanes) -> None:
        lanes.praise(1)
        lanes.judge(1, is_failing=True)

        assert fill(lanes, 1) == TO_A_FAILING_ONE == 1

    def test_that_recovered_elsewhere_begins_as_unknown(self, lanes: Lanes) -> None:
        lanes.judge(1, is_failing=True)
        lanes.judge(1, is_failing=False)

        assert fill(lanes, 1) == TO_AN_UNKNOWN_ONE

    def test_that_is_slow_waits_until_it_lands(self, lanes: Lanes) -> None:
        lanes.praise(1)
        lanes.take_off(1, START)
        open_before = [lanes.is_open(1, moment) for moment in (START, SOON, LATER)]

        lanes.land(1, since=START)

        assert open_before == [True, True, False]
        assert lanes.is_open(1, LATER)

    def test_does_not_close_another(self, lanes: Lanes) -> None:
        fill(lanes, 1)

        assert (lanes.closed(START), lanes.is_open(2, START)) == ({1}, True)


class TestTheRoom:
    def test_is_for_what_may_be_quick(self, lanes: Lanes) -> None:
        for endpoint in range(10):
            lanes.take_off(endpoint, START)

        assert (lanes.room(SOON), lanes.has_young(SOON)) == (YOUNG_AT_ONCE - 10, True)

    def test_is_not_taken_by_what_is_slow(self, lanes: Lanes) -> None:
        for endpoint in range(50):
            lanes.take_off(endpoint, START)

        assert (lanes.room(LATER), lanes.has_young(LATER)) == (YOUNG_AT_ONCE, False)

    def test_ends_with_the_threads(self, lanes: Lanes) -> None:
        for endpoint in range(AT_ONCE - 3):
            lanes.take_off(endpoint, START)

        assert lanes.room(LATER) == 3

    def test_is_never_less_than_none(self, lanes: Lanes) -> None:
        for endpoint in range(AT_ONCE):
            lanes.take_off(endpoint, START)

        assert lanes.room(START) == 0

    def test_is_whole_again_when_all_has_landed(self, lanes: Lanes) -> None:
        fill(lanes, 1)
        for _ in range(TO_AN_UNKNOWN_ONE):
            lanes.land(1, since=START)

        assert (lanes.room(START), lanes.closed(START), lanes.flights) == (YOUNG_AT_ONCE, set(), {})
