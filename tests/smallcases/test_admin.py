import pytest
from django.contrib.auth.models import User
from django.test import Client

from smallcases.models import Announcement, Investment, Smallcase, Version
from smallcases.services.indexing import index_smallcases
from tests import make
from tests.smallcases import shelf

PAGES = ("smallcase", "version", "indexvalue", "investment", "investmentfill", "sip", "announcement")


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


@pytest.mark.parametrize("model", [Smallcase, Version, Investment, Announcement])
def test_a_row_is_shown_with_what_belongs_to_it(console: Client, model: type[Smallcase]) -> None:
    page = console.get(f"/admin/smallcases/{model._meta.model_name}/{model.objects.latest('pk').pk}/change/")

    assert page.status_code == 200
    assert b'name="_save"' not in page.content


def test_constituents_stand_with_their_version(console: Client) -> None:
    page = console.get(f"/admin/smallcases/version/{Version.objects.get(number=2).pk}/change/")

    assert b"WIPRO" in page.content
