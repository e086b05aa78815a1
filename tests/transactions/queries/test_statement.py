"""The statement of an investment, by the API."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from brokers.models import Instrument, PriceOverride
from brokers.ports.broker import Side
from gateway.models import Account
from gateway.partners.credentials import Credentials
from gateway.values.ids import new_object_id
from smallcases.models import Investment
from smallcases.portfolio.apply_fills import Executed, InvestmentChange, apply_fills
from smallcases.sips.schedule import ist_day
from tests import make
from tests.investor import Investor
from tests.partner import Answer, Partner
from transactions.queries.statement import statement_of

PATH = "/v1/{gateway}/engine/user/statement"


@pytest.fixture
def account(credentials: Credentials, now: datetime) -> Account:
    return Account.objects.create(
        gateway=credentials.gateway, auth_id=new_object_id(), broker="kite", client_id="happy", created_at=now
    )


def traded(account: Account, *trades: tuple[int, Side, int, int], now: datetime) -> Investment:
    """Trades of INFY: how many days ago, side, shares, price."""
    change = InvestmentChange(iscid=new_object_id(), version=make.smallcase().versions.get())
    for number, (ago, side, shares, price) in enumerate(trades):
        executed = [Executed(f"ref-{number}", "INFY", side, shares, Decimal(price))]
        found = apply_fills(
            gateway=account.gateway, account=account, change=change, executed=executed, now=now - timedelta(days=ago)
        )
    assert found is not None
    return found


def fixed(account: Account, price: int) -> None:
    """INFY costs `price` at all times."""
    PriceOverride.objects.create(
        gateway=account.gateway,
        instrument=Instrument.objects.get(symbol="INFY"),
        price=Decimal(price),
        set_at=account.created_at,
    )


@pytest.mark.usefixtures("now")
class TestAStatement:
    def test_lists_what_was_paid_sold_and_gained(self, partner: Partner) -> None:
        make.smallcase()
        investor = Investor(partner)
        (buy,) = partner.call(
            "GET", "/v1/{gateway}/engine/orders/smt", auth_id=investor.auth_id, query={"iscid": investor.iscid}
        ).data
        partner.call("PUT", "/sandbox/{gateway}/prices/INFY", body={"price": 2000})
        sale = investor.order("EXIT")

        found = asked(partner, investor).data

        assert found["iscid"] == investor.iscid
        assert sorted((flow["label"], flow["amount"], flow["batchId"]) for flow in found["cashFlows"]) == sorted(
            [("BUY", -buy["buyAmount"], buy["batchId"]), ("SELLALL", sale["sellAmount"], sale["batchId"])]
        )
        gain = sum(Decimal(str(lot["gain"])) for lot in found["realised"])
        assert gain == Decimal(str(sale["sellAmount"])) - Decimal(str(buy["buyAmount"]))
        assert {lot["daysHeld"] for lot in found["realised"]} == {0}
        orders = [order for batch in (buy, sale) for order in batch["orders"]]
        assert found["charges"]["total"] == pytest.approx(sum(order["charges"]["total"] for order in orders), abs=0.001)
        assert found["xirr"] is None

    def test_of_a_day_is_asked_by_its_date_in_india(self, partner: Partner) -> None:
        make.smallcase()
        investor = Investor(partner)
        day = asked(partner, investor).data["to"]

        assert len(asked(partner, investor, {"from": day, "to": day}).data["cashFlows"]) == 1

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ({"from": "yesterday"}, "from: "),
            ({"to": "2026-13-01"}, "to: "),
            ({"from": "2026-12-01", "to": "2026-11-30"}, "from: must not be later"),
            ({"from": "2999-01-01"}, "from: must not be later"),
            ({"iscid": "0"}, "iscid: must be 24 hex digits"),
        ],
    )
    def test_of_an_impossible_period_is_refused(self, partner: Partner, query: dict[str, str], sentence: str) -> None:
        make.smallcase()
        investor = Investor(partner)

        answer = asked(partner, investor, query)

        assert (answer.status, answer.error_type) == (400, "ValidationError")
        assert answer.errors[0].startswith(sentence)

    def test_of_an_unknown_investment_is_404(self, partner: Partner) -> None:
        make.smallcase()
        assert asked(partner, Investor(partner), {"iscid": "0" * 24}).status == 404


def asked(partner: Partner, investor: Investor, query: dict[str, str] | None = None) -> Answer:
    return partner.call("GET", PATH, auth_id=investor.auth_id, query={"iscid": investor.iscid} | (query or {}))


class TestThePeriod:
    def test_counts_the_value_before_it_as_put_in(self, account: Account, now: datetime) -> None:
        investment = traded(account, (730, Side.BUY, 10, 1), now=now)
        fixed(account, 100)

        year_ago = ist_day(now - timedelta(days=365))
        found = statement_of(investment, now=now, first=year_ago)

        assert (list(found.cash_flows), found.xirr) == ([], Decimal(0))

    def test_from_the_first_fill_has_the_return_of_all_the_money(self, account: Account, now: datetime) -> None:
        investment = traded(account, (365, Side.BUY, 10, 100), now=now)
        fixed(account, 110)

        assert statement_of(investment, now=now).xirr == Decimal(10)

    def test_leaves_out_what_was_sold_outside_it(self, account: Account, now: datetime) -> None:
        trades = ((90, Side.BUY, 10, 100), (60, Side.SELL, 4, 120), (10, Side.SELL, 6, 130))
        investment = traded(account, *trades, now=now)

        found = statement_of(investment, now=now, last=ist_day(now - timedelta(days=30)))

        assert [(lot.shares, lot.gain) for lot in found.sold] == [(4, Decimal(80))]
        assert [flow.amount for flow in found.cash_flows] == [Decimal(-1_000), Decimal(480)]

    def test_has_no_return_if_a_held_name_has_no_price(self, account: Account, now: datetime) -> None:
        investment = traded(account, (365, Side.BUY, 10, 100), now=now)
        investment.fills.update(ticker="GONE")

        assert statement_of(investment, now=now).xirr is None

    def test_has_no_return_if_the_clock_was_put_back_before_the_purchase(self, account: Account, now: datetime) -> None:
        investment = traded(account, (5, Side.BUY, 10, 100), (30, Side.SELL, 4, 100), now=now)

        assert statement_of(investment, now=now, first=ist_day(now - timedelta(days=20))).xirr is None

    def test_costs_three_queries_and_one_for_charges(self, account: Account, now: datetime) -> None:
        investment = traded(account, *((9 - day, Side.BUY, 1, 100) for day in range(9)), now=now)

        with CaptureQueriesContext(connection) as sent:
            assert len(statement_of(investment, now=now).cash_flows) == 9

        assert len(sent) == 3, [query["sql"] for query in sent]
