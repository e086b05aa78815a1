"""Which of the due deliveries a dispatcher is shown, and which it takes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.db import OperationalError, connection, connections
from pytest_django import DjangoAssertNumQueries

from gateway.models import Gateway
from tests import make
from tests.webhooks.owing import owe
from webhooks.delivery.dispatcher import DELIVERY_LEASE, take
from webhooks.delivery.endpoints import add_endpoint
from webhooks.models import Delivery, Endpoint


@pytest.fixture
def gateway(db: None, still: None, now: datetime) -> Gateway:
    return listening(now)


def listening(now: datetime) -> Gateway:
    made = make.gateway()
    add_endpoint(gateway=made, url="https://partner.example/hooks", now=now)
    return made


def owe_many(gateway: Gateway, now: datetime, number: int) -> list[int]:
    """The first has been due for the longest."""
    moments = [now - timedelta(seconds=number - n) for n in range(number)]
    return [owe(gateway, moment, subject=f"{moment.timestamp()}").pk for moment in moments]


def keys(deliveries: Sequence[Delivery]) -> list[int]:
    return [delivery.pk for delivery in deliveries]


class TestTake:
    def test_leases_what_is_picked_and_leaves_the_rest(self, gateway: Gateway, now: datetime) -> None:
        first, second, third = owe_many(gateway, now, 3)

        taken = take(pick=lambda shown: shown[1:2])

        assert [(one.pk, one.attempts, one.leased_until) for one in taken] == [(second, 1, now + DELIVERY_LEASE)]
        assert list(Delivery.objects.order_by("pk").values_list("pk", "attempts")) == [
            (first, 0),
            (second, 1),
            (third, 0),
        ]
        assert keys(take()) == [first, third]

    def test_is_shown_the_longest_due_and_bulk_last(self, gateway: Gateway, now: datetime) -> None:
        first, second, third = owe_many(gateway, now, 3)
        Delivery.objects.filter(pk=first).update(is_bulk=True)

        assert keys(take()) == [second, third, first]

    @pytest.mark.parametrize(("room", "shown"), [(1, 1), (3, 3), (8, 5)])
    def test_is_shown_as_many_as_there_is_room_for(
        self, gateway: Gateway, now: datetime, room: int, shown: int
    ) -> None:
        owed = owe_many(gateway, now, 5)

        assert keys(take(room=room)) == owed[:shown]

    def test_does_not_look_where_there_is_no_room(
        self, gateway: Gateway, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        owe_many(gateway, now, 1)

        with django_assert_num_queries(0):
            assert take(room=0) == []

    @pytest.mark.parametrize("others", [1, 2, 3])
    def test_passes_over_endpoints_that_are_closed(self, gateway: Gateway, now: datetime, others: int) -> None:
        closed = [listening(now) for _ in range(others)]
        for one in closed:
            owe_many(one, now, 2)
        mine = owe_many(gateway, now, 2)

        assert keys(take(closed=Endpoint.objects.filter(gateway__in=closed).values_list("pk", flat=True))) == mine

    @pytest.mark.parametrize("others", [0, 1, 2])
    def test_goes_by_each_gateways_own_clock(self, gateway: Gateway, now: datetime, others: int) -> None:
        later = now + timedelta(hours=2)
        Delivery.objects.filter(pk=owe(gateway, now).pk).update(due_at=later)
        ahead = [listening(now) for _ in range(others)]
        for one in ahead:
            make.later(one, hours=3)
        owed = [owe(Gateway.objects.get(pk=one.pk), now).pk for one in ahead]
        Delivery.objects.filter(pk__in=owed).update(due_at=later, leased_until=now)

        assert sorted(keys(take())) == owed

    def test_asks_as_much_for_many_as_for_one(
        self, gateway: Gateway, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in (1, 20):
            owe_many(gateway, now - timedelta(hours=number), number)
            with django_assert_num_queries(6):  # clocks; beginning, looking, endpoints, leasing, the end
                assert len(take()) == number

    def test_brings_all_along_that_a_post_needs(
        self, gateway: Gateway, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        owe_many(gateway, now, 1)
        (taken,) = take()

        with django_assert_num_queries(0):
            assert (taken.gateway, taken.endpoint.gateway_id, taken.event.sequence) == (gateway, gateway.pk, 1)

    def test_takes_none_where_picking_breaks(self, gateway: Gateway, now: datetime) -> None:
        owed = owe_many(gateway, now, 2)

        def pick(shown: list[Delivery]) -> list[Delivery]:
            raise OperationalError("server closed the connection unexpectedly")

        with pytest.raises(OperationalError):
            take(pick=pick)

        assert keys(take()) == owed


@pytest.mark.servers  # SQLite lets one look after the other
@pytest.mark.usefixtures("transactional_db")
def test_who_looks_meanwhile_passes_over_what_another_is_shown(now: datetime) -> None:
    owed = owe_many(listening(now), now, 6)
    theirs: list[int] = []

    def look() -> None:
        theirs.extend(keys(take()))
        connections.close_all()

    def pick(shown: list[Delivery]) -> list[Delivery]:
        rival = Thread(target=look)
        rival.start()
        rival.join()
        return shown[:1]

    mine = keys(take(room=4, pick=pick))

    assert connection.vendor == "postgresql"
    assert (mine, theirs) == (owed[:1], owed[4:])
    assert keys(take()) == owed[1:4]
