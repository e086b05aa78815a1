"""Orders, batches, transactions and their events, each wrong in one way."""

from datetime import timedelta
from itertools import combinations_with_replacement

import pytest
from django.db.models import F

from brokers.simulator.models import SimOrder, SimTrade
from gateway.models import Account, Gateway
from gateway.partners import clock
from smallcases.models import InvestmentFill
from tests import make
from tests.invariants.world import World, broken
from transactions.domain.intents import Intent
from transactions.domain.statuses import OrderStatus, batch_status
from transactions.invariants.status_invariants import with_aggregate_status
from transactions.models import Batch, Order, Transaction
from webhooks.events.event_types import EventType
from webhooks.events.retention import forget_old
from webhooks.models import Event

LONG_AGO = timedelta(hours=1)
EXECUTED = (OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.CANCELLED_AMO)


class TestTheFold:
    def test_in_sql_is_that_of_the_states(self, world: World) -> None:
        """All baskets of three orders."""
        batch = world.batches("happy-canceller").get()
        template = batch.orders.get()
        kinds = [(status, filled) for status in OrderStatus for filled in (0, 4, 10) if is_possible(status, filled)]
        for orders in combinations_with_replacement(kinds, 3):
            Order.objects.filter(batch=batch).delete()
            Order.objects.bulk_create(filled_order(template, n, *order) for n, order in enumerate(orders))

            assert with_aggregate_status(Batch.objects.filter(pk=batch.pk)).get().fold == batch_status(orders), orders


def is_possible(status: OrderStatus, filled: int) -> bool:
    whole = {
        OrderStatus.COMPLETE: (10,),
        OrderStatus.PARTIAL: (4,),
        OrderStatus.PLACED: (0, 4),
        OrderStatus.ERROR: (0, 4),
    }
    return filled in whole.get(status, (0,))


def filled_order(like: Order, position: int, status: OrderStatus, filled: int) -> Order:
    return Order(
        batch_id=like.batch_id,
        position=position,
        ticker="INFY",
        side="BUY",
        quantity=10,
        status=status.value,
        filled_quantity=filled,
        average_price=100 if filled else None,
    )


class TestStatuses:
    def test_a_batch_aggregates_its_orders(self, world: World) -> None:
        world.batches("happy").update(status="PARTIALLYFILLED")

        assert broken() == {"a_batch_aggregates_its_orders": 1, "the_last_report_is_the_state": 1}

    def test_only_what_is_unfinished_may_be_marked_complete(self, world: World) -> None:
        world.batches("happy").update(status="MARKEDCOMPLETE")

        assert broken() == {"a_batch_aggregates_its_orders": 1, "the_last_report_is_the_state": 1}

    def test_a_final_batch_has_no_transaction_in_process(self, world: World) -> None:
        Transaction.objects.filter(batch__in=world.batches("happy")).update(status="PROCESSING", completed_at=None)

        assert broken() == {"transaction_and_batch_agree": 1}

    def test_an_unconfirmed_transaction_has_no_batch(self, world: World) -> None:
        Transaction.objects.filter(batch__in=world.batches("happy")).update(status="USED", completed_at=None)

        assert broken() == {"transaction_and_batch_agree": 1}

    def test_a_completed_one_has_no_open_batch(self, world: World) -> None:
        open_batch = world.basket("slow")
        completed = Transaction.objects.filter(batch=open_batch)
        completed.update(status="COMPLETED", completed_at=world.now())

        assert broken() == {"transaction_and_batch_agree": 1}

    def test_a_confirmed_order_has_a_batch(self, world: World) -> None:
        made = make.logged_in(gateway=world.gateway, now=world.now())
        Transaction.objects.filter(pk=made.pk).update(status="PROCESSING")

        assert broken() == {"transaction_and_batch_agree": 1}

    def test_only_an_error_has_a_code(self, world: World) -> None:
        Transaction.objects.filter(batch__in=world.batches("happy")).update(error_code=1012)

        assert broken() == {"transaction_and_batch_agree": 1}

    def test_a_consent_is_completed_at_once(self, world: World) -> None:
        imported = Transaction.objects.filter(intent=Intent.HOLDINGS_IMPORT)
        imported.update(status="PROCESSING", completed_at=None)

        assert broken() == {"consents_and_cancellations_end": 1}

    def test_a_cancellation_ends_with_its_order(self, world: World) -> None:
        Transaction.objects.filter(intent=Intent.CANCEL_ORDER).update(status="PROCESSING", completed_at=None)

        assert broken() == {"consents_and_cancellations_end": 1}

    def test_a_cancellation_is_about_an_order(self, world: World) -> None:
        Order.objects.filter(status="CANCELLED AMO").update(cancelled_by=None)

        assert broken() == {"consents_and_cancellations_end": 1, "an_order_agrees_with_its_status": 1}

    def test_nothing_is_confirmed_after_it_expired(self, world: World) -> None:
        happy = Transaction.objects.filter(batch__in=world.batches("happy"))
        happy.update(expires_at=world.batches("happy").get().created_at)

        assert broken() == {"nothing_is_confirmed_after_it_expired": 1}

    def test_what_is_final_has_a_completed_date(self, world: World) -> None:
        world.batches("happy").update(completed_at=None)

        assert broken() == {"completed_dates_are_of_what_is_final": 1}

    def test_what_is_not_final_has_none(self, world: World) -> None:
        world.batches("lost-contact").update(completed_at=world.now())

        assert broken() == {"completed_dates_are_of_what_is_final": 1}

    def test_on_a_live_gateway_an_effect_follows_its_cause(self, world: World) -> None:
        Gateway.objects.update(is_test=False, clock_offset=timedelta(0))
        world.batches("happy").update(completed_at=F("placed_at") - LONG_AGO)

        assert broken() == {"completed_dates_are_of_what_is_final": 1}

    def test_an_order_that_filled_was_at_the_exchange(self, world: World) -> None:
        world.orders("happy").update(exchange_order_id=None)

        assert broken() == {"an_order_agrees_with_its_status": 2}

    def test_what_was_sent_has_a_time(self, world: World) -> None:
        world.orders("happy").update(ordered_at=None)

        assert broken() == {"an_order_agrees_with_its_status": 2}

    def test_what_was_never_sent_has_none(self, world: World) -> None:
        world.orders("broker-down").update(ordered_at=world.now())

        assert broken() == {"an_order_agrees_with_its_status": 2}

    def test_an_order_is_of_one_account_and_gateway(self, world: World) -> None:
        other = Account.objects.create(
            gateway=make.gateway(), auth_id="a" * 24, broker="kite", client_id="happy", created_at=clock.wall()
        )
        world.batches("happy").update(account=other)

        assert broken() == {"an_order_is_of_one_account_and_gateway": 1}

    def test_no_batch_is_stuck(self, world: World) -> None:
        stuck = world.basket("happy")
        Batch.objects.filter(pk=stuck.pk).update(leased_until=clock.wall() - LONG_AGO, due_at=world.now() - LONG_AGO)

        assert broken() == {"no_batch_is_stuck": 1}

    def test_a_batch_that_waits_for_the_gateways_own_clock_is_not_stuck(self, world: World) -> None:
        """Due in an hour by the gateway's clock, which is ten minutes ahead of real time."""
        waiting = world.basket("happy")
        Batch.objects.filter(pk=waiting.pk).update(leased_until=clock.wall() - LONG_AGO, due_at=world.now() + LONG_AGO)

        assert broken() == {}

    def test_a_backlog_of_minutes_is_not_stuck(self, world: World) -> None:
        minutes = timedelta(minutes=14)
        waiting = world.basket("happy")
        Batch.objects.filter(pk=waiting.pk).update(leased_until=clock.wall() - minutes, due_at=world.now() - minutes)

        assert broken() == {}

    def test_no_batch_is_leased_for_ever(self, world: World) -> None:
        leased = world.basket("happy")
        Batch.objects.filter(pk=leased.pk).update(leased_until=clock.wall() + LONG_AGO)

        assert broken() == {"no_batch_is_leased_for_ever": 1}


class TestBothSides:
    def test_no_order_is_placed_twice(self, world: World) -> None:
        """Under another ref, as a gateway would that had forgotten the first."""
        twice = SimOrder.objects.get(ref=world.orders("happy")[0].ref)
        trades = list(twice.trades.all())
        twice.pk, twice.ref = None, "f" * 24
        twice.save()
        SimTrade.objects.bulk_create(SimTrade(**fields_of(trade) | {"order": twice}) for trade in trades)

        assert broken() == {"no_order_is_placed_twice": 1}

    def test_what_is_unplaced_is_not_at_the_broker(self, world: World) -> None:
        placed, unplaced = world.orders("partly-placed")
        SimTrade.objects.filter(order__ref=placed.ref).update(ticker=unplaced.ticker)
        at_broker = SimOrder.objects.get(ref=placed.ref)
        at_broker.pk, at_broker.ref, at_broker.ticker = None, unplaced.ref, unplaced.ticker
        at_broker.filled_quantity, at_broker.average_price, at_broker.status = 0, None, "CANCELLED"
        at_broker.quantity = unplaced.quantity
        at_broker.save()

        assert broken() == {"no_order_is_placed_twice": 1}

    def test_no_order_is_lost(self, world: World) -> None:
        ref = world.orders("happy")[0].ref
        SimOrder.objects.get(ref=ref).delete()

        assert broken() == {"no_order_is_lost": 1}

    def test_an_acknowledged_order_that_the_broker_does_not_know_is_lost(self, world: World) -> None:
        world.basket("slow")
        world.work_off()
        SimOrder.objects.filter(ref=world.orders("slow")[0].ref).delete()

        assert broken() == {"no_order_is_lost": 1}

    def test_both_sides_mean_the_same_order(self, world: World) -> None:
        SimOrder.objects.filter(ref=world.orders("happy")[0].ref).update(ticker="WIPRO")

        assert broken() == {"both_sides_mean_the_same_order": 1}

    def test_both_sides_count_the_same_fills(self, world: World) -> None:
        """The broker filled a share more than it told."""
        ref = world.orders("partial")[0].ref
        SimOrder.objects.filter(ref=ref).update(filled_quantity=F("filled_quantity") + 1)
        SimTrade.objects.filter(order__ref=ref).update(quantity=F("quantity") + 1)

        assert broken() == {"both_sides_count_the_same_fills": 1}

    def test_both_sides_paid_the_same_price(self, world: World) -> None:
        world.orders("happy").update(average_price=F("average_price") + 1)

        assert broken() == {"both_sides_count_the_same_fills": 2}

    def test_an_order_in_error_has_no_more_fills_than_the_broker(self, world: World) -> None:
        lost = world.orders("lost-contact")[1]
        SimOrder.objects.filter(ref=lost.ref).update(filled_quantity=1, status="CANCELLED")
        SimTrade.objects.filter(order__ref=lost.ref).update(quantity=1)
        Order.objects.filter(pk=lost.pk).update(filled_quantity=2, average_price=100, exchange_order_id="1")

        assert broken() == {"both_sides_count_the_same_fills": 1}

    def test_both_sides_end_an_order_alike(self, world: World) -> None:
        world.orders("unmatched").update(status="REJECTED")

        assert broken() == {"both_sides_end_an_order_alike": 2}

    def test_an_investment_has_all_its_fills(self, world: World) -> None:
        bought = InvestmentFill.objects.filter(side="BUY").order_by("pk")[0]
        InvestmentFill.objects.filter(pk=bought.pk).update(shares=F("shares") + 1)

        assert broken() == {"an_investment_has_all_its_fills": 1}

    def test_an_investment_has_no_other_fills(self, world: World) -> None:
        more = InvestmentFill.objects.filter(side="BUY").order_by("pk")[0]
        more.pk, more.order_ref = None, "f" * 24
        more.save()

        assert broken() == {"an_investment_has_no_other_fills": 1}


class TestTelling:
    def test_a_batchs_events_count_from_one(self, world: World) -> None:
        Event.objects.filter(subject=batch_id(world, "partial"), sequence=1).delete()

        assert broken() == {"a_batchs_events_count_from_one": 1}

    def test_no_event_is_missing_in_the_middle(self, world: World) -> None:
        Event.objects.filter(subject=batch_id(world, "partial"), sequence=2).update(sequence=7)

        assert broken() == {"a_batchs_events_count_from_one": 1}

    def test_every_end_is_announced(self, world: World) -> None:
        last = Event.objects.filter(subject=batch_id(world, "partial"), type=EventType.ORDER_COMPLETED)
        last.update(type=EventType.ORDER_UPDATED)

        assert broken() == {"every_end_is_announced": 1}

    def test_the_last_report_is_the_state(self, world: World) -> None:
        last = Event.objects.get(subject=batch_id(world, "happy"), type=EventType.ORDER_COMPLETED)
        last.payload["status"] = "UNFILLED"
        last.save()

        assert broken() == {"the_last_report_is_the_state": 1}

    def test_every_failure_is_notified(self, world: World) -> None:
        Event.objects.filter(type=EventType.TRANSACTION_ERRORED).delete()

        assert broken() == {"every_failure_is_notified": 1}

    def test_of_what_is_older_than_events_are_kept_nothing_is_asked(self, world: World) -> None:
        world.later(days=80)
        world.basket("happy-again")
        world.work_off()
        world.later(days=11)
        forget_old(keep=timedelta(days=90))
        assert not Event.objects.filter(subject=batch_id(world, "happy")).exists()
        assert Event.objects.filter(type=EventType.ACTION_PENDING).exists()

        assert broken() == {}

    def test_of_what_is_older_than_the_events_that_are_kept_nothing_is_asked(self, world: World) -> None:
        """The oldest batch, as a clearing away of old events leaves it."""
        oldest = world.batches("happy").get()
        Event.objects.filter(subject=oldest.batch_id).delete()
        Batch.objects.filter(pk=oldest.pk).update(placed_at=oldest.created_at - LONG_AGO)

        assert broken() == {}


class TestAtRest:
    def test_no_order_is_open(self, world: World) -> None:
        world.later(hours=25)
        world.basket("slow")
        world.work_off()

        assert broken(settled=True) == {
            "every_transaction_has_ended": 1,
            "no_broker_is_asked_any_more": 1,
            "no_order_is_open": 2,
        }


@pytest.fixture
def elsewhere(world: World) -> Gateway:
    """Another gateway, and an order of this one that is wrong."""
    world.orders("unmatched").update(status="REJECTED")
    return make.gateway()


class TestOneGateway:
    def test_is_looked_at_by_itself(self, world: World, elsewhere: Gateway) -> None:
        assert broken(gateway=world.gateway) == {"both_sides_end_an_order_alike": 2}
        assert broken(gateway=elsewhere) == {}


def fields_of(trade: SimTrade) -> dict[str, object]:
    names = ("account", "ticker", "side", "number", "quantity", "price", "charges", "at")
    return {name: getattr(trade, name) for name in names}


def batch_id(world: World, client_id: str) -> str:
    return world.batches(client_id).get().batch_id
