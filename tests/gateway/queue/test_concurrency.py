"""What one peer may cost the others: calls in flight by its health, and the circuit breaker."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.queue.concurrency import (
    CLOSED,
    FIRST_WAIT,
    LONGEST_ASKED_WAIT,
    LONGEST_WAIT,
    OPENS_AFTER,
    PROBE_SECONDS,
    Circuit,
    Limits,
    PeerConcurrency,
)

LIMITS = Limits()
START, SOON, LATER = 100.0, 100.0 + LIMITS.slow_after / 2, 100.0 + LIMITS.slow_after


@pytest.fixture
def concurrency() -> PeerConcurrency[int]:
    return PeerConcurrency()


def fill(concurrency: PeerConcurrency[int], peer: int, now: float = START) -> int:
    """How many it is given, one after the other."""
    given = 0
    while concurrency.admits(peer, now):
        concurrency.start(peer, now)
        given += 1
    return given


class TestAPeer:
    def test_not_heard_of_gets_little(self, concurrency: PeerConcurrency[int]) -> None:
        assert fill(concurrency, 1) == LIMITS.unknown == 4

    def test_that_answers_gets_much(self, concurrency: PeerConcurrency[int]) -> None:
        concurrency.mark_healthy(1)

        assert fill(concurrency, 1) == LIMITS.healthy == 32

    def test_that_fails_gets_one_at_a_time(self, concurrency: PeerConcurrency[int]) -> None:
        concurrency.mark_healthy(1)
        concurrency.mark_failing(1, is_failing=True)

        assert fill(concurrency, 1) == LIMITS.failing == 1

    def test_that_recovered_elsewhere_begins_as_unknown(self, concurrency: PeerConcurrency[int]) -> None:
        concurrency.mark_failing(1, is_failing=True)
        concurrency.mark_failing(1, is_failing=False)

        assert fill(concurrency, 1) == LIMITS.unknown

    def test_that_is_slow_waits_until_it_lands(self, concurrency: PeerConcurrency[int]) -> None:
        concurrency.mark_healthy(1)
        concurrency.start(1, START)
        open_before = [concurrency.admits(1, moment) for moment in (START, SOON, LATER)]

        concurrency.finish(1, since=START)

        assert open_before == [True, True, False]
        assert concurrency.admits(1, LATER)

    def test_does_not_close_another(self, concurrency: PeerConcurrency[int]) -> None:
        fill(concurrency, 1)

        assert (concurrency.full(START), concurrency.admits(2, START)) == ({1}, True)


class TestTheRoom:
    def test_is_for_what_may_be_quick(self, concurrency: PeerConcurrency[int]) -> None:
        for peer in range(10):
            concurrency.start(peer, START)

        assert (concurrency.room(SOON), concurrency.has_young(SOON)) == (LIMITS.young_at_once - 10, True)

    def test_is_not_taken_by_what_is_slow(self, concurrency: PeerConcurrency[int]) -> None:
        for peer in range(50):
            concurrency.start(peer, START)

        assert (concurrency.room(LATER), concurrency.has_young(LATER)) == (LIMITS.young_at_once, False)

    def test_ends_with_the_threads(self, concurrency: PeerConcurrency[int]) -> None:
        for peer in range(LIMITS.at_once - 3):
            concurrency.start(peer, START)

        assert concurrency.room(LATER) == 3

    def test_is_never_less_than_none(self, concurrency: PeerConcurrency[int]) -> None:
        for peer in range(LIMITS.at_once):
            concurrency.start(peer, START)

        assert concurrency.room(START) == 0

    def test_is_whole_again_when_all_has_landed(self, concurrency: PeerConcurrency[int]) -> None:
        fill(concurrency, 1)
        for _ in range(LIMITS.unknown):
            concurrency.finish(1, since=START)

        assert (concurrency.room(START), concurrency.full(START), concurrency.in_flight) == (
            LIMITS.young_at_once,
            set(),
            {},
        )


@given(
    limits=st.builds(
        Limits,
        at_once=st.integers(1, 12),
        young_at_once=st.integers(1, 12),
        healthy=st.integers(1, 8),
        unknown=st.integers(1, 8),
        failing=st.integers(1, 3),
    ),
    calls=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 0.2), st.sampled_from(["healthy", "failing", ""]))),
)
def test_no_peer_and_no_process_ever_has_more_calls_in_flight_than_its_limit(
    limits: Limits, calls: list[tuple[int, float, str]]
) -> None:
    concurrency, now = PeerConcurrency[int](limits), 0.0
    for peer, later, health in calls:
        now += later
        if health == "healthy":
            concurrency.mark_healthy(peer)
        elif health:
            concurrency.mark_failing(peer, is_failing=True)
        before = len(concurrency.in_flight.get(peer, ()))
        if concurrency.room(now) and concurrency.admits(peer, now):
            concurrency.start(peer, now)
            assert before < concurrency.limit(peer)
        assert sum(map(len, concurrency.in_flight.values())) <= limits.at_once


def opened(now: float = START) -> Circuit:
    circuit = CLOSED
    for _ in range(OPENS_AFTER):
        circuit = circuit.after_failure(now)
    return circuit


class TestACircuit:
    def test_opens_after_as_many_failures_in_a_row_and_not_before(self) -> None:
        circuit, states = CLOSED, []
        for _ in range(OPENS_AFTER):
            circuit = circuit.after_failure(START)
            states.append(circuit.is_open)

        assert states == [False] * (OPENS_AFTER - 1) + [True]

    def test_that_is_open_lets_nothing_through_until_its_probe(self) -> None:
        circuit = opened()

        assert [circuit.may_call(START + wait) for wait in (0, FIRST_WAIT - 0.01, FIRST_WAIT)] == [False, False, True]

    def test_has_one_probe_at_a_time(self) -> None:
        circuit = opened().probing(LATER)

        assert [circuit.may_call(LATER + after) for after in (0, PROBE_SECONDS - 0.1, PROBE_SECONDS)] == [
            False,
            False,
            True,
        ]

    def test_waits_twice_as_long_after_each_failed_probe_up_to_a_limit(self) -> None:
        circuit, waits = opened(), []
        for _ in range(7):
            circuit = circuit.probing(START).after_failure(START)
            waits.append(circuit.wait)

        assert waits == [2, 4, 8, 16, 30, 30, 30]
        assert circuit.probe_at == START + LONGEST_WAIT

    def test_is_not_opened_further_by_calls_that_began_before_it_opened(self) -> None:
        circuit = opened()

        assert circuit.after_failure(LATER) == circuit

    def test_opens_at_once_for_as_long_as_the_peer_asks(self) -> None:
        assert CLOSED.after_failure(START, asked_wait=7).probe_at == START + 7

    def test_waits_no_longer_than_a_limit_for_a_peer_that_asks_for_a_year(self) -> None:
        assert CLOSED.after_failure(START, asked_wait=3e7).probe_at == START + LONGEST_ASKED_WAIT

    def test_honours_the_wait_that_a_probe_was_asked_for(self) -> None:
        assert opened().probing(START).after_failure(START, asked_wait=100).probe_at == START + 100


@dataclass
class Link:
    """The circuit that the processes share, and when probes began since it opened."""

    circuit: Circuit = CLOSED
    probes: list[float] = field(default_factory=list)


class CircuitOfManyProcesses(RuleBasedStateMachine):
    """Processes that call one peer whenever its circuit lets them; the peer answers, fails, or a process dies."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.link = START, Link()

    @rule(seconds=st.floats(0.01, 40))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.link.circuit.may_call(self.now))
    @rule(outcome=st.sampled_from(["answer", "failure", "failure", "death"]), asked=st.sampled_from([0, 0, 0, 5, 5000]))
    def a_process_calls(self, outcome: str, asked: int) -> None:
        circuit = self.link.circuit
        if circuit.is_open:
            self.link.probes.append(self.now)
            circuit = self.link.circuit = circuit.probing(self.now)
        if outcome == "answer":
            self.link = Link()
        elif outcome == "failure":
            self.link.circuit = circuit.after_failure(self.now, asked_wait=asked)

    @rule()
    def a_call_from_before_fails(self) -> None:
        if self.link.circuit.is_open and not self.link.circuit.is_probing:
            assert self.link.circuit.after_failure(self.now) == self.link.circuit

    @invariant()
    def probes_are_a_second_apart(self) -> None:
        assert all(later >= one + FIRST_WAIT for one, later in pairwise(self.link.probes))

    @invariant()
    def a_probe_is_never_farther_away_than_the_longest_wait(self) -> None:
        if self.link.circuit.probe_at is not None:
            assert self.link.circuit.probe_at <= self.now + LONGEST_ASKED_WAIT
            assert FIRST_WAIT <= self.link.circuit.wait <= LONGEST_WAIT


TestCircuitOfManyProcesses = CircuitOfManyProcesses.TestCase
