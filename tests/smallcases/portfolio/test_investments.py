"""Queries of users' investments."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.ports.broker import Side
from gateway.models import Account
from gateway.values.ids import new_object_id
from smallcases.models import IndexValue, Investment, InvestmentFill, Sip
from smallcases.portfolio.investments import fills_by_investment, investments_of
from smallcases.portfolio.ledger import Fill
from tests import make
from tests.smallcases.counting import at_most

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
    @pytest.mark.parametrize(
        ("exited", "named", "expected"),
        [
            (False, None, [1, 0]),
            (False, [], []),
            (False, [0, 2, 3], [0]),
            (True, None, [2]),
            (True, [0, 1, 2, 3], [2]),
        ],
    )
    def test_are_the_accounts_own_newest_first(
        self, investments: list[Investment], exited: bool, named: list[int] | None, expected: list[int]
    ) -> None:
        iscids = None if named is None else [investments[place].iscid for place in named]

        found = investments_of(investments[0].account, iscids=iscids, exited=exited)

        assert [row.investment for row in found] == [investments[place] for place in expected]

    def test_tell_the_newest_version(self, investments: list[Investment]) -> None:
        found = investments_of(investments[0].account, iscids=None, exited=False)

        assert [row.newest_version for row in found] == [1, 2]

    def test_come_with_smallcase_version_and_sip_in_one_query(self, investments: list[Investment]) -> None:
        account = investments[0].account

        with at_most(1):
            found = investments_of(account, iscids=None, exited=False)
            facts = [(r.investment.smallcase.name, r.investment.version.number, r.sip and r.sip.amount) for r in found]

        names = [investments[place].smallcase.name for place in (1, 0)]
        assert facts == [(names[0], 1, None), (names[1], 1, Decimal("5000.50"))]
        assert [r.sip.investment is r.investment for r in found if r.sip] == [True]


class TestFillsByInvestment:
    def test_are_in_the_order_of_their_reports(self, investments: list[Investment], now: datetime) -> None:
        keys = [investments[place].pk for place in (0, 1, 2)]

        with at_most(1):
            found = fills_by_investment(keys)

        assert [[fill.shares for fill in found[key]] for key in keys] == [[1, 2], [3], []]
        assert found[keys[1]] == [Fill("INFY", Side.BUY, 3, Decimal("1512.4050"), now - timedelta(days=2))]
