"""Erlang's formula against values known without it, and against a simulation that does not know it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.queueing import chance_to_wait, offered, servers_for, simulate, waits_longer

HOUR = 3600.0


class TestChanceToWait:
    @pytest.mark.parametrize(
        ("servers", "load", "chance"),
        [
            (1, 0.5, 0.5),  # one server: its own utilisation
            (2, 1.0, 1 / 3),
            (3, 2.0, 4 / 9),
            (1, 0.0, 0.0),
            (2, 2.0, 1.0),
            (2, 5.0, 1.0),
        ],
    )
    def test_is_as_worked_out_by_hand(self, servers: int, load: float, chance: float) -> None:
        assert chance_to_wait(servers=servers, load=load) == pytest.approx(chance, abs=1e-12)

    def test_does_not_overflow_with_many_servers(self) -> None:
        assert 0 < chance_to_wait(servers=5000, load=4900.0) < 1

    @given(servers=st.integers(1, 60), part=st.floats(0.01, 0.99))
    def test_falls_with_every_server(self, servers: int, part: float) -> None:
        load = servers * part

        assert chance_to_wait(servers=servers + 1, load=load) < chance_to_wait(servers=servers, load=load)


class TestWaitsLonger:
    def test_is_all_where_they_cannot_keep_up(self) -> None:
        assert waits_longer(60.0, servers=2, arrivals=20.0, service=10.0) == 1.0

    def test_dies_away_exponentially(self) -> None:
        assert waits_longer(0.1, servers=1, arrivals=5.0, service=10.0) == pytest.approx(0.5 * math.exp(-0.5))


class TestServersFor:
    @pytest.mark.parametrize("arrivals", [0.5, 3.0, 40.0, 900.0])
    def test_is_the_fewest(self, arrivals: float) -> None:
        found = servers_for(arrivals=arrivals, service=10.0, patience=0.05, late=0.01, busiest=1.0)

        assert waits_longer(0.05, servers=found, arrivals=arrivals, service=10.0) <= 0.01
        assert found == 1 or waits_longer(0.05, servers=found - 1, arrivals=arrivals, service=10.0) > 0.01

    def test_leaves_them_the_idle_time_that_is_wanted(self) -> None:
        assert servers_for(arrivals=600.0, service=10.0, patience=10.0, late=0.5, busiest=0.6) == 100

    def test_is_one_where_nothing_comes(self) -> None:
        assert servers_for(arrivals=0.0, service=1.0, patience=1.0, late=0.01, busiest=0.6) == 1

    @pytest.mark.parametrize(("arrivals", "service", "busiest"), [(-1.0, 1.0, 0.5), (1.0, 0.0, 0.5), (1.0, 1.0, 0.0)])
    def test_refuses_what_cannot_be(self, arrivals: float, service: float, busiest: float) -> None:
        with pytest.raises(ValueError):
            servers_for(arrivals=arrivals, service=service, patience=1.0, late=0.01, busiest=busiest)


class TestSimulate:
    @pytest.mark.parametrize(("servers", "arrivals"), [(1, 5.0), (2, 14.0), (8, 60.0)])
    def test_agrees_with_the_formula(self, servers: int, arrivals: float) -> None:
        seen = simulate(servers=servers, arrivals=arrivals, service=10.0, seconds=4 * HOUR / servers, seed=7)
        load = offered(arrivals=arrivals, service=10.0)
        chance = chance_to_wait(servers=servers, load=load)

        assert seen.utilisation == pytest.approx(load / servers, rel=0.03)
        assert seen.waiting == pytest.approx(chance, rel=0.06)
        assert seen.mean == pytest.approx(chance / (servers * 10.0 - arrivals), rel=0.12)
        assert waits_longer(seen.p99, servers=servers, arrivals=arrivals, service=10.0) == pytest.approx(0.01, rel=0.35)

    def test_lets_the_queue_grow_where_they_cannot_keep_up(self) -> None:
        short, long = (
            simulate(servers=2, arrivals=30.0, service=10.0, seconds=seconds, seed=1) for seconds in (60, 600)
        )

        assert long.p99 > 5 * short.p99
        assert long.utilisation > 0.98

    def test_is_the_same_for_the_same_seed(self) -> None:
        one, same, other = (
            simulate(servers=3, arrivals=20.0, service=10.0, seconds=60, seed=seed) for seed in (1, 1, 2)
        )

        assert one == same
        assert one != other

    def test_of_too_short_a_time_saw_nobody(self) -> None:
        assert simulate(servers=1, arrivals=0.001, service=1.0, seconds=0.001, seed=1).jobs == 0
