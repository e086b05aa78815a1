"""The charges of a batch in the console."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from brokers.market import price_overrides
from brokers.ports.broker import Side
from gateway.models import Gateway
from tests import make
from transactions.domain.basket import Security
from transactions.models import Batch


@pytest.fixture
def batch(gateway: Gateway, now: datetime) -> Batch:
    """A share of INFY sold at ₹400, and TCS bought for ₹1,000."""
    for ticker, price in (("INFY", 400), ("TCS", 100)):
        price_overrides.override_price(gateway=gateway, ticker=ticker, price=Decimal(price), now=now)
    basket = (Security("INFY", 1, Side.SELL), Security("TCS", 10, Side.BUY))
    made = make.placed(make.queued_batch(gateway=gateway, securities=basket, now=now))
    make.later(gateway, minutes=2)
    return make.followed_up(made)


def page_of(batch_id: str) -> str:
    return reverse("admin:desk_charges", args=[batch_id])


def member(*groups: str) -> Client:
    user = User.objects.create_user("somebody", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    client = Client()
    client.force_login(user)
    return client


class TestTheChargesPage:
    def test_shows_each_order_and_the_days_sum(self, batch: Batch) -> None:
        text = member("Support").get(page_of(batch.batch_id)).content.decode()

        assert text.count("₹15.34") == 2  # of the sale, and of the day
        assert "Sum of the day" in text
        assert "₹16.54" in text  # 15.35 and 1.19

    def test_is_a_file_of_numbers_too(self, batch: Batch) -> None:
        lines = member("Support").get(page_of(batch.batch_id) + "?format=csv").content.decode().splitlines()

        assert lines == [
            "day,ticker,side,quantity,turnover,brokerage,stt,exchange,sebi,stamp,gst,dp,total",
            "2026-11-20,INFY,SELL,1,400.00,0.00,0.00,0.01,0.00,0.00,0.00,15.34,15.35",
            "2026-11-20,TCS,BUY,10,1000.00,0.00,1.00,0.03,0.00,0.15,0.01,0.00,1.19",
        ]

    def test_is_linked_from_the_batch_and_summed_up_with_the_order(self, batch: Batch) -> None:
        support, order = member("Support"), make.orders(batch)[0]

        assert page_of(batch.batch_id) in support.get(f"/admin/transactions/batch/{batch.pk}/change/").content.decode()
        text = support.get(f"/admin/transactions/order/{order.pk}/change/").content.decode()
        assert "15.35: exchange 0.01, dp 15.34" in text

    def test_is_for_people_who_may_see_batches(self, batch: Batch) -> None:
        assert member().get(page_of(batch.batch_id)).status_code == 403

    def test_of_an_unknown_batch_is_not_found(self, batch: Batch) -> None:
        assert member("Support").get(page_of("nosuch")).status_code == 404
