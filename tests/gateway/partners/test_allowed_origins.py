"""Origins are replaced as a whole, as they were looked at, and recorded."""

import json

import pytest
from django.contrib.auth.models import User

from gateway.audit.trail import Actor
from gateway.models import AuditEntry, Gateway
from gateway.partners import clock
from gateway.partners.allowed_origins import MOST, replace_origins
from gateway.values.errors import Conflict, Invalid
from tests import make

SHOP, OTHER = "https://shop.example", "https://other.example"


@pytest.fixture
def here(db: None) -> Gateway:
    return make.gateway()


@pytest.fixture
def asha(db: None) -> Actor:
    return Actor(User.objects.create_user("asha"), "192.0.2.7", clock.wall())


def kept() -> list[str]:
    return list(Gateway.objects.get().allowed_origins)


def test_takes_each_once_as_a_browser_spells_it(here: Gateway, asha: Actor) -> None:
    assert replace_origins(here, origins=["HTTPS://Shop.example", SHOP, OTHER], seen=[], by=asha)

    assert kept() == [SHOP, OTHER]
    entry = AuditEntry.objects.get()
    assert (entry.act, entry.subject, entry.address) == ("change origins", f"gateway {here}", "192.0.2.7")
    assert (json.loads(entry.before), json.loads(entry.after)) == ({"origins": []}, {"origins": [SHOP, OTHER]})


def test_twice_is_once(here: Gateway, asha: Actor) -> None:
    replace_origins(here, origins=[SHOP], seen=[], by=asha)

    assert not replace_origins(here, origins=[SHOP], seen=[SHOP], by=asha)

    assert AuditEntry.objects.count() == 1


def test_lets_one_of_two_operators_through(here: Gateway, asha: Actor) -> None:
    replace_origins(here, origins=[SHOP], seen=[], by=asha)

    with pytest.raises(Conflict):
        replace_origins(here, origins=[OTHER], seen=[], by=asha)

    assert (kept(), AuditEntry.objects.count()) == ([SHOP], 1)


@pytest.mark.parametrize(
    "origins",
    [
        ["http://shop.example"],
        ["https://shop.example/path"],
        ["*"],
        ["https://a.example\0"],
        [f"https://s{number}.example" for number in range(MOST + 1)],
    ],
)
def test_takes_nothing_of_what_is_wrong(here: Gateway, asha: Actor, origins: list[str]) -> None:
    with pytest.raises(Invalid):
        replace_origins(here, origins=[SHOP, *origins], seen=[], by=asha)

    assert (kept(), AuditEntry.objects.exists()) == ([], False)
