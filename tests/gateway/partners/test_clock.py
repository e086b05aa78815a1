"""One clock per gateway. Real time is fixed at `now`."""

from datetime import datetime, timedelta

import pytest

from gateway.models import Gateway
from gateway.partners import clock
from gateway.values.errors import Conflict, Invalid
from tests import make

HOUR = timedelta(hours=1)
TEN_YEARS = timedelta(days=3_660)


@pytest.fixture
def gateway(db: None, still: None) -> Gateway:
    return make.gateway()


def stored(gateway: Gateway) -> timedelta:
    return Gateway.objects.get(pk=gateway.pk).clock_offset


class TestNow:
    def test_is_the_walls_at_first(self, gateway: Gateway, now: datetime) -> None:
        assert clock.now(gateway) == clock.wall() == now

    def test_can_be_told_back_by_the_wall(self, gateway: Gateway, now: datetime) -> None:
        clock.advance(gateway, by=HOUR)

        assert clock.wall_at(gateway, clock.now(gateway)) == now


class TestAdvance:
    def test_adds_up(self, gateway: Gateway, now: datetime) -> None:
        clock.advance(gateway, by=HOUR)
        clock.advance(gateway, by=2 * HOUR)

        assert (clock.now(gateway), stored(gateway)) == (now + 3 * HOUR, 3 * HOUR)

    @pytest.mark.parametrize("by", [timedelta(0), TEN_YEARS])
    def test_goes_from_nothing_to_ten_years(self, gateway: Gateway, by: timedelta) -> None:
        clock.advance(gateway, by=by)

        assert stored(gateway) == by

    @pytest.mark.parametrize(
        "by", [timedelta(microseconds=-1), -HOUR, TEN_YEARS, TEN_YEARS + HOUR, timedelta.max, timedelta.min]
    )
    def test_goes_neither_back_nor_farther(self, gateway: Gateway, by: timedelta) -> None:
        clock.advance(gateway, by=HOUR)

        with pytest.raises(Invalid, match="forward only"):
            clock.advance(gateway, by=by)

        assert stored(gateway) == HOUR

    def test_leaves_another_gateway_where_it_is(self, gateway: Gateway, now: datetime) -> None:
        other = make.gateway()

        clock.advance(gateway, by=HOUR)

        assert clock.now(Gateway.objects.get(pk=other.pk)) == now

    def test_lets_one_of_two_rivals_through(self, gateway: Gateway) -> None:
        rival = Gateway.objects.get(pk=gateway.pk)
        clock.advance(rival, by=HOUR)

        with pytest.raises(Conflict):
            clock.advance(gateway, by=2 * HOUR)

        assert stored(gateway) == HOUR

    def test_does_not_move_a_live_gateway(self, db: None, still: None) -> None:
        live = make.gateway(is_test=False)

        with pytest.raises(Conflict):
            clock.advance(live, by=HOUR)

        assert stored(live) == timedelta(0)


class TestSetTo:
    @pytest.mark.parametrize("by", [timedelta(0), HOUR, TEN_YEARS])
    def test_goes_to_the_moment(self, gateway: Gateway, now: datetime, by: timedelta) -> None:
        clock.set_to(gateway, moment=now + by)

        assert (clock.now(gateway), stored(gateway)) == (now + by, by)

    def test_does_not_go_back(self, gateway: Gateway, now: datetime) -> None:
        clock.advance(gateway, by=2 * HOUR)

        with pytest.raises(Invalid, match="forward only"):
            clock.set_to(gateway, moment=now + HOUR)

        assert stored(gateway) == 2 * HOUR


class TestReset:
    def test_returns_to_the_present(self, gateway: Gateway, now: datetime) -> None:
        clock.advance(gateway, by=HOUR)

        clock.reset(gateway)

        assert (clock.now(gateway), stored(gateway)) == (now, timedelta(0))


class TestClocks:
    def test_are_the_walls_and_those_that_are_ahead(self, gateway: Gateway, now: datetime) -> None:
        ahead = make.gateway()
        clock.advance(ahead, by=HOUR)

        assert list(clock.clocks()) == [(None, now), (ahead.pk, now + HOUR)]
