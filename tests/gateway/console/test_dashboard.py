"""The console's home page: what needs attention, with a link from each number to its rows."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from gateway.identity.roles import AUDITORS, MANAGERS, SUPPORT
from gateway.partners import clock
from tests import make
from tests.smallcases import shelf
from tests.smallcases.counting import at_most
from tests.webhooks import ledger
from transactions.models import Batch, Order
from webhooks.delivery.endpoints import disable
from webhooks.models import Attempt, Delivery, Endpoint

pytestmark = pytest.mark.usefixtures("instruments")
HOUR = timedelta(hours=1)
MOST_QUERIES = 28


def somebody(*groups: str) -> Client:
    user = User.objects.create_user("asha", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    client = Client()
    client.force_login(user)
    return client


def lost_order(*, ago: timedelta) -> Order:
    batch = make.queued_batch(gateway=make.gateway(), securities=make.TWO_WAY[:1], now=clock.wall())
    Order.objects.filter(batch=batch).update(status="ERROR", ordered_at=clock.wall() - ago)
    Batch.objects.filter(pk=batch.pk).update(status="ERROR", placed_at=clock.wall())
    return Order.objects.get(batch=batch)


def troubles() -> None:
    lost_order(ago=HOUR / 2)
    lost_order(ago=3 * HOUR)
    lost_order(ago=30 * HOUR)
    here = make.gateway()
    ailing, dead = ledger.endpoint(here, "ailing"), ledger.endpoint(here, "dead")
    Endpoint.objects.filter(pk=ailing.pk).update(failures=7, failing_since=clock.wall())
    disable(dead, because="It answered 410.", now=clock.wall())
    ledger.events(here, clock.wall(), 1)
    Attempt.objects.create(delivery=Delivery.objects.all()[0], at=clock.wall(), duration_ms=3, status_code=200)
    stuck = make.queued_batch(gateway=here, securities=make.TWO_WAY[:1], now=clock.wall())
    Batch.objects.filter(pk=stuck.pk).update(due_at=clock.wall() - HOUR, leased_until=clock.wall() - HOUR)
    known = shelf.smallcase(manager="")
    shelf.investments(known, here, how_many=3)
    shelf.published(known)


def links(page: Any) -> list[str]:
    text = page.content.decode().split('id="content-main"')[0]
    return [unescape(link) for link in re.findall(r'href="(/admin/[^"]+)"', text)]


class TestHome:
    def test_shows_lost_orders_by_broker_and_age(self) -> None:
        troubles()

        (row,) = somebody(SUPPORT).get("/admin/").context["in_error"]

        assert (row.broker, row.fresh, row.today, row.older) == ("kite", 1, 1, 1)

    def test_shows_endpoints_batches_and_adoption(self) -> None:
        troubles()

        shown = somebody(SUPPORT).get("/admin/").context

        assert [endpoint.url[-6:] for endpoint in shown["failing"]] == ["ailing"]
        assert [endpoint.disabled_reason for endpoint in shown["disabled"]] == ["It answered 410."]
        assert shown["stuck"] == 1
        assert [(one.live, one.adopted, one.percent) for one in shown["adoption"]] == [(3, 0, 0)]

    def test_draws_the_last_day_and_says_it_in_words(self) -> None:
        troubles()

        page = somebody(SUPPORT).get("/admin/").content.decode()

        assert 'aria-label="Webhooks delivered per hour: 1 in all, 1 at most."' in page
        assert page.count("<rect") == 48
        assert "style=" not in page
        assert "<script>" not in page

    def test_leads_from_each_number_to_its_rows(self) -> None:
        troubles()
        client = somebody(SUPPORT)

        followed = {link: client.get(link).status_code for link in links(client.get("/admin/"))}

        assert set(followed.values()) == {200}
        assert "/admin/transactions/order/?status__exact=ERROR&broker=kite&age=older" in followed
        assert len(followed) > 15

    @pytest.mark.parametrize(("age", "count"), [("hour", 1), ("day", 1), ("older", 1), ("never", 3)])
    def test_leads_to_as_many_as_it_shows(self, age: str, count: int) -> None:
        troubles()

        page = somebody(SUPPORT).get(f"/admin/transactions/order/?status__exact=ERROR&broker=kite&age={age}")

        assert page.context["cl"].result_count == count

    def test_asks_as_much_however_much_there_is(self) -> None:
        troubles()
        client = somebody(SUPPORT)
        client.get("/admin/")
        with at_most(MOST_QUERIES):
            client.get("/admin/")
        for _ in range(5):
            lost_order(ago=HOUR)

        with at_most(MOST_QUERIES):
            assert client.get("/admin/").context["in_error"][0].total == 8

    def test_shows_a_manager_the_own_smallcases_and_nothing_else(self) -> None:
        troubles()
        client = somebody(MANAGERS)
        shelf.published(shelf.smallcase("SCMY_0001", manager="asha"))

        shown = client.get("/admin/").context

        assert "in_error" not in shown
        assert "failing" not in shown
        assert [one.version.smallcase.scid for one in shown["adoption"]] == ["SCMY_0001"]

    @pytest.mark.parametrize(
        ("role", "first", "last"),
        [
            (MANAGERS, "Rebalance studio", "Rebalance studio"),
            (SUPPORT, "Reconciliation desk", "Gateways"),
            (AUDITORS, "Reconciliation desk", "Audit trail"),
        ],
    )
    def test_leads_each_role_to_where_it_works(self, role: str, first: str, last: str) -> None:
        page = somebody(role).get("/admin/").content.decode()

        (line,) = re.findall(r'<nav class="work".*?</nav>', page, re.DOTALL)
        places = re.findall(r"<a [^>]*>([^<]+)</a>", line)
        assert (places[0], places[-1]) == (first, last)

    def test_of_nothing_is_calm(self) -> None:
        page = somebody(SUPPORT).get("/admin/")

        assert (page.context["in_error"], page.context["stuck"]) == ([], 0)
        assert b"No orders with an unknown outcome." in page.content
