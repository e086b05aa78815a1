"""Each statement finds what the equivalent queryset finds."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import Case, Count, DecimalField, F, IntegerField, Max, Q, Sum, When
from django.db.transaction import atomic

from brokers.ports.broker import LiveSession, Verb
from brokers.simulator import sql
from brokers.simulator.account_books.books import CASH, IS_BUY, SHARES
from brokers.simulator.models import BrokerFault, SimAccount, SimOrder, SimTrade
from brokers.simulator.personas import FaultKind, LinkFault
from brokers.simulator.sql import MONEY
from gateway.models import Gateway
from tests import make
from tests.same_rows import loaded, same


@pytest.fixture
def accounts(db: None, now: datetime) -> list[SimAccount]:
    """Two clients of one gateway, and one of another."""
    here, elsewhere = make.gateway(), make.gateway()
    return [account(here, "one", now), account(here, "two", now), account(elsewhere, "one", now)]


def account(gateway: Gateway, client_id: str, now: datetime) -> SimAccount:
    return SimAccount.objects.create(
        gateway=gateway,
        broker="kite",
        client_id=client_id,
        opening_funds=Decimal("1000000.10"),
        lent_shares=5,
        opened_at=now,
    )


def order(account: SimAccount, now: datetime, **more: object) -> SimOrder:
    number = SimOrder.objects.count()
    fields = {"ticker": "INFY", "side": "BUY", "quantity": 10, "order_type": "MARKET", "variety": "regular"}
    given = fields | {"validity": "DAY", "placed_at": now, "fill_behaviour": "FILLS", "ref": f"{number:024}"} | more
    return SimOrder.objects.create(account=account, **given)


def trade(of: SimOrder, now: datetime, quantity: int, price: str, charges: str) -> None:
    SimTrade.objects.create(
        order=of,
        account_id=of.account_id,
        ticker=of.ticker,
        side=of.side,
        number=of.trades.count() + 1,
        quantity=quantity,
        price=Decimal(price),
        charges=Decimal(charges),
        at=now,
    )


def login(account: SimAccount) -> LiveSession:
    return LiveSession(gateway=account.gateway_id, broker=account.broker, client_id=account.client_id, token="")


@pytest.fixture
def book(accounts: list[SimAccount], now: datetime) -> SimAccount:
    """Orders and trades on both sides, of three tickers, one of them another account's."""
    mine, _, other = accounts
    for one in (mine, other):
        buy = order(one, now, admitted=True, blocked=Decimal("5000.05"), price=Decimal("500.00"), filled_quantity=3)
        trade(buy, now, 1, "499.95", "0.07")
        trade(buy, now + timedelta(seconds=1), 2, "500.00", "0.13")
        sale = order(one, now, side="SELL", admitted=True, filled_quantity=4, average_price=Decimal("123.4567"))
        trade(sale, now, 4, "123.45", "1.00")
        order(one, now, ticker="TCS", side="SELL", admitted=True, unreported_until=now, garbled=True)
        order(one, now, ticker="ITC", admitted=False)
        order(one, now, ticker="ITC", status="CANCELLED", admitted=True, blocked=Decimal(9))
        trade(order(one, now, ticker="SBIN", side="SELL"), now, 2, "33.33", "0.01")
    return mine


class TestAccounts:
    def test_come_locked_with_their_gateways(self, accounts: list[SimAccount]) -> None:
        with atomic():
            found = [sql.account_and_fault(login(one), Verb.PLACE, locked=True)[0] for one in accounts]

        assert same(found, SimAccount.objects.order_by("pk"))
        assert [loaded(one and one.gateway) for one in found] == [
            loaded(Gateway.objects.get(pk=one.gateway_id)) for one in accounts
        ]

    def test_of_another_broker_are_unknown(self, accounts: list[SimAccount]) -> None:
        elsewhere = LiveSession(gateway=accounts[0].gateway_id, broker="dhan", client_id="one", token="")

        with atomic():
            assert sql.account_and_fault(elsewhere, Verb.PLACE, locked=True) == (None, None)

    def test_come_with_the_fault_of_their_gateway_broker_and_verb(
        self, accounts: list[SimAccount], now: datetime
    ) -> None:
        mine = accounts[0]
        for broker, verb, kind in (("kite", "place", "slow"), ("kite", "funds", "slow"), ("dhan", "cancel", "slow")):
            BrokerFault.objects.create(
                gateway=mine.gateway, broker=broker, verb=verb, kind=kind, seconds=0.25, set_at=now
            )

        slow = LinkFault(FaultKind.SLOW, 0.25, now)
        assert [sql.account_and_fault(login(mine), verb, locked=False)[1] for verb in Verb] == [
            {"place": slow, "funds": slow}.get(verb) for verb in Verb
        ]
        assert [sql.link_fault(mine.gateway_id, "kite", verb) for verb in Verb] == [
            {"place": slow, "funds": slow}.get(verb) for verb in Verb
        ]

    def test_are_those_of_the_link_by_client_id(self, accounts: list[SimAccount]) -> None:
        one, _, elsewhere = accounts

        found = sql.accounts_of(one.gateway_id, "kite", {"one", "two", "nobody"})

        assert same([found["one"], found["two"]], SimAccount.objects.filter(gateway=one.gateway).order_by("pk"))
        assert (len(found), sql.accounts_of(elsewhere.gateway_id, "dhan", {"one"})) == (2, {})


class TestBooks:
    def test_orders_are_the_querysets(self, book: SimAccount) -> None:
        refs = list(SimOrder.objects.values_list("ref", flat=True))[::-1]

        found = sql.orders_of(book.pk, [*refs, "nobody's"])

        assert same(found, SimOrder.objects.filter(account=book, ref__in=refs).order_by("pk"))
        assert sql.orders_of(book.pk, []) == []

    def test_trades_sum_up_as_the_querysets_do(self, book: SimAccount) -> None:
        rows = SimTrade.objects.filter(account=book).values_list("ticker").order_by("ticker")
        sold = Max("at", filter=Q(side="SELL"))
        expected = rows.annotate(
            rupees=Sum(CASH, output_field=MONEY), shares=Sum(SHARES), trades=Count("pk"), sold=sold
        )

        assert sql.traded(book.pk) == list(expected)
        assert [row[:-1] for row in sql.traded(book.pk)] == [
            ("INFY", Decimal("-1007.35"), -1, 3),
            ("SBIN", Decimal("66.65"), -2, 1),
        ]

    def test_resting_orders_sum_up_as_the_querysets_do(self, book: SimAccount) -> None:
        unsold = Case(When(IS_BUY, then=0), default=F("quantity") - F("filled_quantity"), output_field=IntegerField())
        rows = SimOrder.objects.filter(account=book, status="OPEN", admitted=True).values_list("ticker")
        money = DecimalField(max_digits=20, decimal_places=2)
        expected = rows.annotate(rupees=Sum("blocked", output_field=money), shares=Sum(unsold)).order_by("ticker")

        assert sql.resting(book.pk) == list(expected)
        assert sql.resting(book.pk) == [("INFY", Decimal("5000.05"), 6), ("TCS", Decimal("0.00"), 10)]

    def test_of_an_account_without_orders_are_empty(self, accounts: list[SimAccount], book: SimAccount) -> None:
        assert (sql.traded(accounts[1].pk), sql.resting(accounts[1].pk)) == ([], [])
