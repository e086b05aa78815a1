"""The simulated brokers' books: each wrong in one way."""

from decimal import Decimal

from django.db.models import F

from brokers.simulator.models import SimAccount, SimOrder, SimTrade
from tests.invariants.world import World, broken
from transactions.models import Order


def refs(world: World, client_id: str) -> list[str]:
    return [order.ref for order in world.orders(client_id)]


class TestTheBrokersBooks:
    def test_count_their_trades(self, world: World) -> None:
        SimTrade.objects.filter(order__ref=refs(world, "happy")[0]).update(quantity=F("quantity") - 1)

        assert broken() == {"the_broker_counts_its_trades": 1}

    def test_price_their_trades(self, world: World) -> None:
        SimTrade.objects.filter(order__ref=refs(world, "happy")[0]).update(price=F("price") + Decimal("0.05"))

        assert broken() == {"the_broker_counts_its_trades": 1}

    def test_never_trade_beyond_a_limit(self, world: World) -> None:
        ref = refs(world, "happy")[0]
        paid = SimTrade.objects.filter(order__ref=ref).latest("price").price
        for orders in (SimOrder.objects, Order.objects):
            orders.filter(ref=ref).update(order_type="LIMIT", price=paid - Decimal("0.05"))

        assert broken() == {"no_trade_is_beyond_its_orders_limit": 1}

    def test_end_an_order_as_it_filled(self, world: World) -> None:
        """Cancelled, and yet whole: at the gateway it was PARTIAL."""
        order = world.orders("partial")[0]
        SimOrder.objects.filter(ref=order.ref).update(quantity=F("filled_quantity"))
        Order.objects.filter(pk=order.pk).update(quantity=F("filled_quantity") + 1)

        found = broken()
        assert found == {"the_broker_ends_orders_as_they_filled": 1, "both_sides_mean_the_same_order": 1}

    def test_sell_nothing_that_is_not_there(self, world: World) -> None:
        SimAccount.objects.filter(client_id="happy").update(lent_shares=0)
        ref = refs(world, "happy")[0]
        SimOrder.objects.filter(ref=ref).update(side="SELL")
        SimTrade.objects.filter(order__ref=ref).update(side="SELL")
        Order.objects.filter(ref=ref).update(side="SELL")

        assert broken() == {"nobody_holds_less_than_zero_at_the_broker": 1}

    def test_pay_for_nothing_beyond_the_funds(self, world: World) -> None:
        SimAccount.objects.filter(client_id="happy").update(opening_funds=0)

        assert broken() == {"nobody_spends_more_than_they_have_at_the_broker": 1}

    def test_are_not_asked_about_what_an_older_release_let_through(self, world: World) -> None:
        """Of an account with one trade of its time, and of that account alone."""
        SimAccount.objects.filter(client_id__in=["happy", "partial"]).update(opening_funds=0, lent_shares=0)
        older = SimTrade.objects.filter(account__client_id="happy").order_by("pk")[0]
        SimTrade.objects.filter(pk=older.pk).update(serial=None, funds_after=None, shares_after=None)

        assert broken() == {"nobody_spends_more_than_they_have_at_the_broker": 1}
