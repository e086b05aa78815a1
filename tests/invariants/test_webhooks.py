"""Deliveries: each wrong in one way."""

from datetime import datetime, timedelta

from gateway.partners import clock
from tests import make
from tests.invariants.world import World, broken
from webhooks.delivery.endpoints import add_endpoint
from webhooks.events.event_types import EventType
from webhooks.models import Attempt, Delivery, DeliveryStatus, Endpoint, Event, Replay

HOUR = timedelta(hours=1)


def delivery(world: World, sequence: int, client_id: str = "happy") -> Delivery:
    batch = world.batches(client_id).get()
    return Delivery.objects.get(event__subject=batch.batch_id, event__sequence=sequence)


def owe_again(one: Delivery) -> None:
    """As it was before its first attempt."""
    one.tries.all().delete()
    due = {"status": DeliveryStatus.DUE, "due_at": clock.now(one.gateway), "finished_at": None, "attempts": 0}
    Delivery.objects.filter(pk=one.pk).update(**due)


class TestWhoIsTold:
    def test_no_listener_is_passed_over(self, world: World) -> None:
        delivery(world, 2, "partial").delete()

        assert broken() == {"no_listener_is_passed_over": 1}

    def test_who_does_not_hear_a_type_is_not(self, world: World) -> None:
        Delivery.objects.filter(event__type=EventType.ORDER_COMPLETED).delete()
        Endpoint.objects.update(types=[EventType.ORDER_PLACED.value, EventType.ORDER_UPDATED.value])

        assert broken() == {}

    def test_who_was_disabled_is_not(self, world: World) -> None:
        """Beside an endpoint that is enabled, and was told everything."""
        gone = add_endpoint(gateway=world.gateway, url="http://127.0.0.1:9/gone", now=clock.wall()).endpoint
        world.basket("slow-to-fill")
        world.work_off()
        Endpoint.objects.filter(pk=gone.pk).update(
            is_enabled=False, disabled_at=clock.wall(), disabled_reason="A test."
        )
        world.later(minutes=2)
        assert Delivery.objects.filter(endpoint=gone).count() == 1

        assert broken() == {}

    def test_who_was_passed_over_twice_in_a_row_is_named_once(self, world: World) -> None:
        world.basket("late-fill")
        for seconds in (0, 10, 700):
            world.later(seconds=seconds)
        later = Delivery.objects.filter(event__subject=delivery(world, 1, "late-fill").event.subject)
        assert later.filter(event__sequence__gt=1).delete()[1]["webhooks.Delivery"] >= 2

        assert broken() == {"no_listener_is_passed_over": 1}

    def test_who_came_later_is_not(self, world: World) -> None:
        add_endpoint(gateway=world.gateway, url="http://127.0.0.1:9/late", now=clock.wall())

        assert broken() == {}

    def test_who_began_to_hear_a_type_later_is_not(self, world: World) -> None:
        """Its pending events of the new type begin with the next event."""
        late = add_endpoint(
            gateway=world.gateway, url="http://127.0.0.1:9/late", types=[EventType.ORDER_PLACED], now=clock.wall()
        ).endpoint
        world.basket("happy-again")
        world.work_off()
        world.later(seconds=10)
        Endpoint.objects.filter(pk=late.pk).update(types=[kind.value for kind in EventType])

        assert broken() == {}

    def test_an_event_goes_to_its_own_gateway(self, world: World) -> None:
        Endpoint.objects.update(gateway=make.gateway())

        told = Delivery.objects.count()
        assert broken() == {"an_event_goes_to_its_own_gateway": told}

    def test_an_endpoint_with_a_partial_replay_is_not(self, world: World) -> None:
        """A replay of one type, to an endpoint that was not there at the time."""
        late = add_endpoint(gateway=world.gateway, url="http://127.0.0.1:9/late", now=clock.wall()).endpoint
        placed = Event.objects.filter(type=EventType.ORDER_PLACED).order_by("pk")
        Delivery.objects.bulk_create(
            Delivery(gateway=world.gateway, event=event, endpoint=late, due_at=world.now(), leased_until=clock.wall())
            for event in placed
        )
        completed = Event.objects.filter(type=EventType.ORDER_COMPLETED).order_by("pk")[0]
        Delivery.objects.create(
            gateway=world.gateway, event=completed, endpoint=late, due_at=world.now(), leased_until=clock.wall()
        )

        assert broken() == {}


class TestTheOrder:
    def test_is_that_of_the_events(self, world: World) -> None:
        first, second = delivery(world, 1), delivery(world, 2)
        Attempt.objects.filter(delivery=second).delete()
        tries = list(Attempt.objects.filter(delivery=first))
        Attempt.objects.filter(pk__in=[one.pk for one in tries]).update(delivery=second)
        Attempt.objects.create(delivery=first, at=world.now(), duration_ms=1, status_code=200)

        assert broken() == {"events_are_sent_in_order": 1}

    def test_lets_nothing_pass_what_was_never_tried(self, world: World) -> None:
        owe_again(delivery(world, 1))

        assert broken() == {"events_are_sent_in_order": 1}

    def test_is_not_broken_by_a_second_sending(self, world: World) -> None:
        Attempt.objects.create(delivery=delivery(world, 1), at=world.now(), duration_ms=1, status_code=200)

        assert broken() == {}

    def test_is_not_broken_by_what_is_owed_anew(self, world: World) -> None:
        """A missed event is pending again after its successor was sent."""
        missed = delivery(world, 1)
        fields = {"gateway": missed.gateway, "event": missed.event, "endpoint": missed.endpoint}
        missed.delete()
        Delivery.objects.create(**fields, due_at=world.now(), leased_until=clock.wall())

        assert broken() == {}


class TestDelivered:
    def test_means_answered(self, world: World) -> None:
        Attempt.objects.filter(delivery=delivery(world, 2)).update(status_code=500)

        assert broken() == {"delivered_means_answered": 1}


class TestWork:
    def test_no_delivery_is_stuck(self, world: World) -> None:
        last = delivery(world, 2)
        owe_again(last)
        Delivery.objects.filter(pk=last.pk).update(due_at=world.now() - HOUR, leased_until=clock.wall() - HOUR)

        assert broken() == {"no_delivery_is_stuck": 1}

    def test_what_waits_for_its_predecessor_is_not(self, world: World) -> None:
        world.basket("happy-again")
        Endpoint.objects.update(url="http://127.0.0.1:9/closed")
        world.later(seconds=1)
        world.later(seconds=10)
        second = Event.objects.get(subject=world.batches("happy-again").get().batch_id, sequence=2)
        Delivery.objects.filter(event=second).update(due_at=world.now() - HOUR, leased_until=clock.wall() - HOUR)

        assert broken() == {}

    def test_what_is_owed_to_a_disabled_endpoint_is_not(self, world: World) -> None:
        last = delivery(world, 2)
        owe_again(last)
        Delivery.objects.filter(pk=last.pk).update(due_at=world.now() - HOUR, leased_until=clock.wall() - HOUR)
        Endpoint.objects.update(is_enabled=False, disabled_at=clock.wall(), disabled_reason="A test.")

        assert broken() == {}

    def test_no_delivery_is_leased_for_ever(self, world: World) -> None:
        last = delivery(world, 2)
        owe_again(last)
        Delivery.objects.filter(pk=last.pk).update(leased_until=clock.wall() + HOUR)

        assert broken() == {"no_delivery_is_leased_for_ever": 1}

    def test_every_event_is_delivered_or_given_up(self, world: World) -> None:
        world.later(hours=25)
        owe_again(delivery(world, 2))

        assert broken(settled=True) == {"every_event_is_delivered_or_given_up": 1}

    def test_no_replay_is_stuck(self, world: World) -> None:
        replay(world, due_at=world.now() - HOUR, leased_until=clock.wall() - HOUR)

        assert broken() == {"no_replay_is_stuck": 1}

    def test_no_replay_is_leased_for_ever(self, world: World) -> None:
        replay(world, due_at=world.now(), leased_until=clock.wall() + HOUR)

        assert broken() == {"no_replay_is_leased_for_ever": 1}

    def test_every_replay_is_done(self, world: World) -> None:
        world.later(hours=25)
        replay(world, due_at=world.now(), leased_until=clock.wall())

        assert broken(settled=True) == {"every_replay_is_done": 1}


def replay(world: World, *, due_at: datetime, leased_until: datetime) -> None:
    Replay.objects.create(
        gateway=world.gateway,
        key="rpl_1",
        since=world.now() - HOUR,
        last_event=0,
        created_at=world.now(),
        due_at=due_at,
        leased_until=leased_until,
    )
