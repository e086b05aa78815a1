"""Room in a dispatcher: how much each endpoint gets, and which waits."""

import pytest

from webhooks.delivery.endpoint_concurrency import (
    AT_ONCE,
    FAILING_LIMIT,
    HEALTHY_LIMIT,
    SLOW_AFTER,
    UNKNOWN_LIMIT,
    YOUNG_AT_ONCE,
    EndpointConcurrency,
)

START, SOON, LATER = 100.0, 100.0 + SLOW_AFTER / 2, 100.0 + SLOW_AFTER


@pytest.fixture
def concurrency() -> EndpointConcurrency:
    return EndpointConcurrency()


def fill(concurrency: EndpointConcurrency, endpoint: int, now: float = START) -> int:
    """How many it is given, one after the other."""
    given = 0
    while concurrency.is_open(endpoint, now):
        concurrency.start(endpoint, now)
        given += 1
    return given


class TestAnEndpoint:
    def test_not_heard_of_gets_little(self, concurrency: EndpointConcurrency) -> None:
        assert fill(concurrency, 1) == UNKNOWN_LIMIT == 4

    def test_that_answers_gets_much(self, concurrency: EndpointConcurrency) -> None:
        concurrency.mark_healthy(1)

        assert fill(concurrency, 1) == HEALTHY_LIMIT == 32

    def test_that_fails_gets_one_at_a_time(self, concurrency: EndpointConcurrency) -> None:
        concurrency.mark_healthy(1)
        concurrency.mark_failing(1, is_failing=True)

        assert fill(concurrency, 1) == FAILING_LIMIT == 1

    def test_that_recovered_elsewhere_begins_as_unknown(self, concurrency: EndpointConcurrency) -> None:
        concurrency.mark_failing(1, is_failing=True)
        concurrency.mark_failing(1, is_failing=False)

        assert fill(concurrency, 1) == UNKNOWN_LIMIT

    def test_that_is_slow_waits_until_it_lands(self, concurrency: EndpointConcurrency) -> None:
        concurrency.mark_healthy(1)
        concurrency.start(1, START)
        open_before = [concurrency.is_open(1, moment) for moment in (START, SOON, LATER)]

        concurrency.finish(1, since=START)

        assert open_before == [True, True, False]
        assert concurrency.is_open(1, LATER)

    def test_does_not_close_another(self, concurrency: EndpointConcurrency) -> None:
        fill(concurrency, 1)

        assert (concurrency.closed(START), concurrency.is_open(2, START)) == ({1}, True)


class TestTheRoom:
    def test_is_for_what_may_be_quick(self, concurrency: EndpointConcurrency) -> None:
        for endpoint in range(10):
            concurrency.start(endpoint, START)

        assert (concurrency.room(SOON), concurrency.has_young(SOON)) == (YOUNG_AT_ONCE - 10, True)

    def test_is_not_taken_by_what_is_slow(self, concurrency: EndpointConcurrency) -> None:
        for endpoint in range(50):
            concurrency.start(endpoint, START)

        assert (concurrency.room(LATER), concurrency.has_young(LATER)) == (YOUNG_AT_ONCE, False)

    def test_ends_with_the_threads(self, concurrency: EndpointConcurrency) -> None:
        for endpoint in range(AT_ONCE - 3):
            concurrency.start(endpoint, START)

        assert concurrency.room(LATER) == 3

    def test_is_never_less_than_none(self, concurrency: EndpointConcurrency) -> None:
        for endpoint in range(AT_ONCE):
            concurrency.start(endpoint, START)

        assert concurrency.room(START) == 0

    def test_is_whole_again_when_all_has_landed(self, concurrency: EndpointConcurrency) -> None:
        fill(concurrency, 1)
        for _ in range(UNKNOWN_LIMIT):
            concurrency.finish(1, since=START)

        assert (concurrency.room(START), concurrency.closed(START), concurrency.in_flight) == (YOUNG_AT_ONCE, set(), {})
