"""The statement of an investment in the console."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from brokers.ports.broker import Side
from gateway.models import Account, Gateway
from gateway.values.ids import new_object_id
from smallcases.models import Investment
from smallcases.portfolio.apply_fills import Executed, InvestmentChange, apply_fills
from tests import make


@pytest.fixture
def gateway(db: None, instruments: None) -> Gateway:
    return make.gateway()


@pytest.fixture
def investment(gateway: Gateway, now: datetime) -> Investment:
    account = Account.objects.create(
        gateway=gateway, auth_id=new_object_id(), broker="kite", client_id="AB1234", created_at=now
    )
    change = InvestmentChange(iscid=new_object_id(), version=make.smallcase().versions.get())
    for ago, side, shares, price in ((40, Side.BUY, 10, 100), (5, Side.SELL, 4, 120)):
        found = apply_fills(
            gateway=gateway,
            account=account,
            change=change,
            executed=[Executed(f"{side}", "INFY", side, shares, Decimal(price))],
            now=now - timedelta(days=ago),
        )
    assert found is not None
    return found


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def member(group: str) -> User:
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


def page_of(client: Client, investment: Investment, **period: str) -> Any:
    return client.get(f"/admin/transactions/ordercorrection/desk/statements/{investment.iscid}/", period)


class TestTheStatement:
    def test_is_linked_from_the_investment_and_shows_flows_and_sold_lots(self, investment: Investment) -> None:
        client = as_(member("Support"))

        linked = client.get(f"/admin/smallcases/investment/{investment.pk}/change/").content.decode()
        shown = page_of(client, investment).content.decode()

        assert f"/desk/statements/{investment.iscid}/" in linked
        for text in ("AB1234", "₹1,000.00", "₹480.00", '<td class="desk-number">35</td>', "₹80.00"):
            assert text in shown

    def test_of_a_period_leaves_the_rest_out(self, investment: Investment, now: datetime) -> None:
        shown = page_of(
            as_(member("Support")), investment, last=f"{now - timedelta(days=20):%Y-%m-%d}"
        ).content.decode()

        assert "No share was sold in this period." in shown
        assert "₹1,000.00" in shown

    @pytest.mark.parametrize(
        ("first", "sentence"), [("soon", "Enter a valid date."), ("2999-01-01", "must not be later than to")]
    )
    def test_of_an_impossible_period_says_why(self, investment: Investment, first: str, sentence: str) -> None:
        answer = page_of(as_(member("Support")), investment, first=first)

        assert answer.status_code == 200
        assert sentence in answer.content.decode()

    def test_is_not_for_managers_and_other_staff(self, investment: Investment) -> None:
        assert page_of(as_(member("Managers")), investment).status_code == 403
