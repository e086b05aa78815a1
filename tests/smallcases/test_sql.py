"""Each statement finds what the equivalent queryset finds."""

from datetime import date, datetime
from decimal import Decimal
from itertools import count

import pytest

from brokers.ports.broker import Side
from gateway.models import Account
from gateway.values.ids import new_object_id
from smallcases import sql
from smallcases.models import Investment, InvestmentFill, Sip, Smallcase, Version
from smallcases.portfolio.apply_fills import Executed, InvestmentChange, apply_fills
from tests import make
from tests.same_rows import loaded, same

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("instruments")]
_refs = count(1)


@pytest.fixture
def account(now: datetime) -> Account:
    """Two live investments and one exited; the first has a SIP and an older version."""
    account = Account.objects.create(
        gateway=make.gateway(), auth_id=new_object_id(), broker="kite", client_id="happy", created_at=now
    )
    rebalanced, other = make.smallcase(scid="TEST_0001"), make.smallcase(scid="TEST_0002")
    for smallcase in (rebalanced, other, other):
        invest(account, smallcase, now)
    first, _, last = Investment.objects.order_by("pk")
    Investment.objects.filter(pk=last.pk).update(exited_at=now)
    make.version(rebalanced, {"INFY": "50", "TCS": "50"})
    Sip.objects.create(
        investment=first,
        gateway=account.gateway,
        amount=Decimal("1000"),
        frequency="1m",
        starts_on=date(2026, 1, 5),
        scheduled_date=date(2026, 2, 5),
        leased_until=now,
    )
    return account


def invest(account: Account, smallcase: Smallcase, now: datetime) -> None:
    change = InvestmentChange(iscid=new_object_id(), version=smallcase.versions.get())
    executed = [Executed(f"ref-{next(_refs)}", ticker, Side.BUY, 2, Decimal("100.5")) for ticker in ("TCS", "INFY")]
    apply_fills(gateway=account.gateway, account=account, change=change, executed=executed, now=now)


def without_rationale(one: Smallcase | Version) -> object:
    rows = Smallcase.objects if isinstance(one, Smallcase) else Version.objects
    return loaded(rows.defer("rationale").get(pk=one.pk))


class TestInvestments:
    @pytest.mark.parametrize("is_exited", [False, True])
    def test_come_with_smallcase_version_and_sip(self, account: Account, is_exited: bool) -> None:
        found = sql.investments_of(account.pk, iscids=None, is_exited=is_exited)

        mine = Investment.objects.filter(account=account, exited_at__isnull=not is_exited).order_by("-pk")
        assert same([row[0] for row in found], mine)
        for investment, smallcase, version, sip, newest in found:
            assert loaded(smallcase) == without_rationale(investment.smallcase)
            assert loaded(version) == without_rationale(investment.version)
            assert loaded(sip) == loaded(Sip.objects.filter(investment=investment).first())
            assert newest == investment.smallcase.versions.count()

    def test_are_narrowed_to_iscids(self, account: Account) -> None:
        older = Investment.objects.filter(exited_at=None).order_by("pk")[0].iscid

        def found(*iscids: str) -> list[str]:
            return [row[0].iscid for row in sql.investments_of(account.pk, iscids=iscids, is_exited=False)]

        assert (found(older), found("0" * 24), found()) == ([older], [], [])

    def test_of_another_account_are_not_found(self, account: Account) -> None:
        assert sql.investments_of(account.pk + 1, iscids=None, is_exited=False) == []


class TestFills:
    def test_are_in_the_order_of_their_reports(self, account: Account) -> None:
        keys = list(Investment.objects.values_list("pk", flat=True))[:2]

        rows = InvestmentFill.objects.filter(investment__in=keys).order_by("pk")
        expected = rows.values_list("investment", "ticker", "side", "shares", "price", "at")
        assert repr(sql.fills_of(keys)) == repr(list(expected))
        assert sql.fills_of([]) == []
