"""An operator moves a test gateway's clock: recorded, or not done."""

import json
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User

from gateway.audit.trail import Actor
from gateway.models import AuditEntry, Gateway
from gateway.partners import clock
from gateway.values.errors import Conflict, Invalid
from tests import make
from transactions.execution.gateway_clock import advance, come_back
from transactions.models import Batch

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("instruments")


@pytest.fixture
def asha(db: None) -> Actor:
    return Actor(User.objects.create_user("asha"), "192.0.2.7", clock.wall())


@pytest.fixture
def here(db: None) -> Gateway:
    return make.gateway()


def ahead() -> timedelta:
    return Gateway.objects.get().clock_offset


def test_is_recorded_with_how_far_it_is_ahead(here: Gateway, asha: Actor) -> None:
    advance(here, by=HOUR, actor=asha)
    advance(here, by=HOUR, actor=asha)

    last = AuditEntry.objects.latest("number")
    assert (last.act, last.subject, ahead()) == ("advance clock", f"gateway {here}", 2 * HOUR)
    assert (json.loads(last.before), json.loads(last.after)) == ({"ahead": "1:00:00"}, {"ahead": "2:00:00"})


@pytest.mark.parametrize("by", [-HOUR, timedelta(days=9_999)])
def test_goes_neither_back_nor_too_far(here: Gateway, asha: Actor, by: timedelta) -> None:
    with pytest.raises(Invalid):
        advance(here, by=by, actor=asha)

    assert (ahead(), AuditEntry.objects.exists()) == (timedelta(0), False)


def test_moves_no_live_one(db: None, asha: Actor) -> None:
    live = make.gateway(is_test=False)

    with pytest.raises(Conflict):
        advance(live, by=HOUR, actor=asha)

    assert (ahead(), AuditEntry.objects.exists()) == (timedelta(0), False)


def test_lets_one_of_two_operators_through(here: Gateway, asha: Actor) -> None:
    stale = Gateway.objects.get()
    advance(here, by=HOUR, actor=asha)

    with pytest.raises(Conflict):
        advance(stale, by=HOUR, actor=asha)

    assert (ahead(), AuditEntry.objects.count()) == (HOUR, 1)


def test_comes_back_with_what_waited(here: Gateway, asha: Actor, now: datetime) -> None:
    batch = make.queued_batch(gateway=here, now=clock.now(here))
    advance(here, by=HOUR, actor=asha)
    Batch.objects.filter(pk=batch.pk).update(due_at=clock.now(here))

    come_back(here, actor=asha)

    assert (ahead(), AuditEntry.objects.latest("number").act) == (timedelta(0), "reset clock")
    assert Batch.objects.get().due_at <= clock.wall()  # type: ignore[operator]


def test_comes_back_once(here: Gateway, asha: Actor) -> None:
    come_back(here, actor=asha)

    assert not AuditEntry.objects.exists()
