"""Each statement finds what the equivalent queryset finds."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import OuterRef, Subquery

from gateway.models import Account
from gateway.values.ids import new_object_id
from smallcases import sql
from smallcases.models import IndexValue, Investment, InvestmentFill, Sip, Smallcase, Version
from tests import make
from tests.same_rows import loaded

pytestmark = pytest.mark.usefixtures("instruments")


@pytest.fixture
def investments(instruments: None, now: datetime) -> list[Investment]:
    """Of one account on an old version with a SIP, on the newest, exited; and another account's."""
    gateway = make.gateway()
    first, second = make.smallcase(), make.smallcase(scid="TEST_0002")
    make.version(first, make.WEIGHTS)
    for number, value in enumerate(("100.0000", "101.5000", "99.2500")):
        IndexValue.objects.create(smallcase=first, day=date(2026, 11, 18 - number), value=Decimal(value))
    accounts = [
        Account.objects.create(
            gateway=gateway, auth_id=new_object_id(), broker="kite", client_id=client, created_at=now
        )
        for client in ("one", "two")
    ]
    made = [
        Investment.objects.create(
            gateway=gateway,
            account=accounts[owner],
            smallcase=smallcase,
            version=smallcase.versions.get(number=version),
            created_at=now,
            exited_at=now if exited else None,
        )
        for owner, smallcase, version, exited in (
            *((0, first, 1, False), (0, second, 1, False), (0, first, 2, True), (1, first, 2, False)),
        )
    ]
    for number, investment in enumerate((made[0], made[0], made[1], made[3])):
        InvestmentFill.objects.create(
            investment=investment,
            order_ref=f"{number:024}",
            ticker="INFY",
            side="BUY" if number else "SELL",
            shares=number + 1,
            price=Decimal("1512.4050"),
            at=now - timedelta(days=number),
        )
    for investment in (made[0], made[3]):
        Sip.objects.create(
            gateway=gateway,
            investment=investment,
            amount=Decimal("5000.50"),
            frequency="1m",
            starts_on=date(2026, 11, 1),
            scheduled_date=date(2026, 12, 1),
            leased_until=now,
        )
    return made


class TestInvestmentsOf:
    @pytest.mark.parametrize("exited", [False, True])
    @pytest.mark.parametrize("named", [None, (), (0,), (0, 1, 2, 3)])
    def test_are_the_querysets(
        self, investments: list[Investment], exited: bool, named: tuple[int, ...] | None
    ) -> None:
        iscids = None if named is None else [investments[place].iscid for place in named]
        account = investments[0].account_id
        rows = Investment.objects.filter(account=account, exited_at__isnull=not exited).order_by("-pk")
        expected = list(rows if iscids is None else rows.filter(iscid__in=iscids))

        found = sql.investments_of(account, iscids=iscids, exited=exited)

        assert [loaded(row.investment) for row in found] == [loaded(one) for one in expected]
        for row, one in zip(found, expected, strict=True):
            assert loaded(row.investment.smallcase) == loaded(
                Smallcase.objects.only("scid", "name", "short_description").get(pk=one.smallcase_id)
            )
            assert loaded(row.investment.version) == loaded(Version.objects.only("number").get(pk=one.version_id))
            assert loaded(row.sip) == loaded(Sip.objects.filter(investment=one).first())
            assert row.sip is None or row.sip.investment is row.investment

    def test_tell_the_newest_version_and_the_indexs_last_value(self, investments: list[Investment]) -> None:
        newest = Version.objects.filter(smallcase=OuterRef("smallcase")).order_by("-number").values("number")
        index = IndexValue.objects.filter(smallcase=OuterRef("smallcase")).order_by("-day").values("value")
        rows = Investment.objects.filter(account=investments[0].account_id, exited_at__isnull=True).order_by("-pk")
        told = rows.annotate(newest=Subquery(newest[:1]), index=Subquery(index[:1])).values_list("newest", "index")

        found = sql.investments_of(investments[0].account_id, iscids=None, exited=False)

        assert [(row.newest_version, row.index_value) for row in found] == list(told)
        assert [row.index_value for row in found] == [None, Decimal("100.0000")]


class TestFillsOf:
    def test_are_the_querysets(self, investments: list[Investment]) -> None:
        keys = [investments[1].pk, investments[0].pk]
        rows = InvestmentFill.objects.filter(investment__in=keys).order_by("pk")
        expected = rows.values_list("investment_id", "ticker", "side", "shares", "price", "at")

        found = sql.fills_of(keys)

        assert list(map(repr, found)) == list(map(repr, expected))
        assert len(found) == 3
        assert sql.fills_of([]) == []
