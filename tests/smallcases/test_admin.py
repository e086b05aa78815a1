from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gateway.partners import clock
from smallcases.models import Investment, InvestmentFill, RebalanceNotice, Smallcase, Version
from smallcases.portfolio.daily_index import index_smallcases
from tests import make
from tests.smallcases import shelf

PAGES = ("smallcase", "version", "indexvalue", "investment", "investmentfill", "sip", "rebalancenotice")


@pytest.fixture
def console(instruments: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    known = shelf.smallcase()
    (mine,) = shelf.investments(known, make.gateway())
    shelf.hold(mine, {"INFY": 3})
    shelf.published(known)
    index_smallcases(now=shelf.PUBLISHED)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_list_is_shown(console: Client, page: str) -> None:
    assert console.get(f"/admin/smallcases/{page}/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_added_by_hand(console: Client, page: str) -> None:
    assert console.get(f"/admin/smallcases/{page}/add/").status_code == 403


@pytest.mark.parametrize("model", [Smallcase, Version, Investment, RebalanceNotice])
def test_a_row_is_shown_with_what_belongs_to_it(console: Client, model: type[Smallcase]) -> None:
    page = console.get(f"/admin/smallcases/{model._meta.model_name}/{model.objects.latest('pk').pk}/change/")

    assert page.status_code == 200
    assert b'name="_save"' not in page.content


def test_constituents_stand_with_their_version(console: Client) -> None:
    page = console.get(f"/admin/smallcases/version/{Version.objects.get(number=2).pk}/change/")

    assert b"WIPRO" in page.content


@pytest.mark.parametrize("page", ["smallcases/smallcase", "smallcases/investment", "brokers/instrument"])
def test_a_row_is_drawn(console: Client, page: str) -> None:
    """In words too; of an investment from its first fill on."""
    Investment.objects.update(created_at=shelf.PUBLISHED)
    InvestmentFill.objects.update(at=clock.wall() - timedelta(days=3))
    shown = console.get(f"/admin/{page}/")
    row = shown.context["cl"].result_list[0]

    drawn = console.get(f"/admin/{page}/{row.pk}/change/").content.decode()

    assert '<figure class="chart"><svg ' in drawn
    assert "; lowest " in drawn
    assert "style=" not in drawn


def test_an_investment_shows_what_it_holds(console: Client) -> None:
    page = console.get(f"/admin/smallcases/investment/{Investment.objects.get().pk}/change/").content.decode()

    assert '<td>INFY</td><td class="number">3</td><td class="number">100.00</td>' in page
