"""Investments, versions, SIPs: each wrong in one way."""

from datetime import timedelta

from django.db.models import F

from gateway.partners import clock
from smallcases.models import Constituent, Investment, InvestmentFill, RebalanceNotice, Sip
from tests import make
from tests.invariants.world import World, broken, smallcase_of
from tests.smallcases import shelf
from transactions.models import Order

HOUR = timedelta(hours=1)


def announced(world: World) -> RebalanceNotice:
    """A new version, still to be told to the investor."""
    shelf.published(smallcase_of(world), {"INFY": "50", "TCS": "50"}, now=clock.wall())
    return RebalanceNotice.objects.get(gateway=world.gateway)


class TestInvestments:
    def test_nobody_holds_less_than_zero(self, world: World) -> None:
        sold = InvestmentFill.objects.filter(side="SELL").order_by("pk")[0]
        InvestmentFill.objects.filter(pk=sold.pk).update(shares=1000)
        Order.objects.filter(ref=sold.order_ref).update(batch=world.batches("happy").get(), position=9)

        assert broken()["nobody_holds_less_than_zero"] == 1

    def test_nor_did_so_before_the_next_fill(self, world: World) -> None:
        """Sold first, and bought afterwards: the sum alone would not show it."""
        first, *_ = InvestmentFill.objects.filter(side="BUY").order_by("pk")
        later = InvestmentFill.objects.create(**{**values_of(first), "order_ref": "e" * 24})
        InvestmentFill.objects.filter(pk=first.pk).update(order_ref="d" * 24)
        InvestmentFill.objects.filter(pk=later.pk).update(order_ref=first.order_ref)
        InvestmentFill.objects.filter(pk=first.pk).delete()

        assert broken() == {"nobody_holds_less_than_zero": 1}

    def test_is_exited_when_nothing_is_held(self, world: World) -> None:
        Investment.objects.update(exited_at=clock.wall())

        assert broken() == {"exited_when_nothing_is_held": 1}

    def test_is_not_exited_while_something_is(self, world: World) -> None:
        InvestmentFill.objects.all().delete()

        found = broken()
        assert found["exited_when_nothing_is_held"] == 1
        assert found["an_investment_has_come_of_a_fill"] == 1

    def test_is_of_one_smallcase_and_gateway(self, world: World) -> None:
        other = make.smallcase(scid="TEST_0002")
        Investment.objects.update(smallcase=other)

        assert broken() == {"an_investment_is_of_one_smallcase_and_gateway": 1}


class TestTheCatalogue:
    def test_weights_are_a_whole(self, world: World) -> None:
        Constituent.objects.filter(instrument__symbol="INFY").update(weight=F("weight") - 1)

        assert broken() == {"weights_are_a_whole": 1}


class TestWork:
    def test_no_rebalance_notice_is_stuck(self, world: World) -> None:
        told = announced(world)
        RebalanceNotice.objects.filter(pk=told.pk).update(due_at=clock.wall() - HOUR, leased_until=clock.wall() - HOUR)

        assert broken() == {"no_rebalance_notice_is_stuck": 1}

    def test_no_rebalance_notice_is_leased_for_ever(self, world: World) -> None:
        told = announced(world)
        RebalanceNotice.objects.filter(pk=told.pk).update(leased_until=clock.wall() + HOUR)

        assert broken() == {"no_rebalance_notice_is_leased_for_ever": 1}

    def test_every_rebalance_notice_is_sent(self, world: World) -> None:
        world.later(hours=25)
        announced(world)

        assert broken(settled=True) == {"every_rebalance_notice_is_sent": 1}

    def test_no_sip_is_stuck(self, world: World) -> None:
        Sip.objects.update(due_at=clock.wall() - HOUR, leased_until=clock.wall() - HOUR)

        assert broken() == {"no_sip_is_stuck": 1}

    def test_no_sip_is_leased_for_ever(self, world: World) -> None:
        Sip.objects.update(leased_until=clock.wall() + HOUR)

        assert broken() == {"no_sip_is_leased_for_ever": 1}

    def test_every_due_sip_is_notified(self, world: World) -> None:
        world.later(hours=25)
        Sip.objects.update(due_at=clock.wall())

        assert broken(settled=True) == {"every_due_sip_is_notified": 1}


def values_of(fill: InvestmentFill) -> dict[str, object]:
    names = ("investment", "order_ref", "ticker", "side", "shares", "price", "at")
    return {name: getattr(fill, name) for name in names}
