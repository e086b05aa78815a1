"""What a user holds, in a handful of queries whatever the number."""

from datetime import datetime
from decimal import Decimal
from itertools import count

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from brokers.models import Instrument
from brokers.ports.broker import Side
from gateway.models import Account
from gateway.partners.credentials import Credentials
from gateway.values.ids import new_object_id
from smallcases.models import Investment, InvestmentFill, Smallcase
from smallcases.portfolio.apply_fills import Executed, InvestmentChange, apply_fills
from tests import make
from tests.partner import Partner

_numbers = count(1)


@pytest.fixture
def caller(credentials: Credentials) -> Partner:
    return Partner(credentials.gateway.name, credentials.api_secret, credentials.jwt_secret)


def account_of(credentials: Credentials, now: datetime) -> Account:
    return Account.objects.create(
        gateway=credentials.gateway, auth_id=new_object_id(), broker="kite", client_id="happy", created_at=now
    )


def invest(account: Account, smallcase: Smallcase, now: datetime) -> None:
    version = smallcase.versions.get()
    apply_fills(
        gateway=account.gateway,
        account=account,
        change=InvestmentChange(iscid=new_object_id(), version=version),
        executed=[
            Executed(f"fill-{next(_numbers)}", line.instrument.symbol, Side.BUY, 2, Decimal(100))
            for line in version.constituents.select_related("instrument")
        ],
        now=now,
    )


class TestInvestments:
    @pytest.mark.parametrize("investments", [1, 10])
    def test_cost_six_queries_at_most_of_twenty_names_each(
        self, caller: Partner, credentials: Credentials, now: datetime, investments: int
    ) -> None:
        names = Instrument.objects.values_list("symbol", flat=True)[:20]
        smallcase = make.smallcase(weights=dict.fromkeys(names, "5"))
        account = account_of(credentials, now)
        for _ in range(investments):
            invest(account, smallcase, now)

        with CaptureQueriesContext(connection) as sent:
            answer = caller.call("GET", "/v1/{gateway}/engine/user/investments", auth_id=account.auth_id)

        assert [len(one["investment"]["currentConfig"]["constituents"]) for one in answer.data] == [20] * investments
        assert len(sent) <= 6, [query["sql"] for query in sent]

    def test_add_up(self, caller: Partner, credentials: Credentials, now: datetime) -> None:
        smallcase = make.smallcase()
        account = account_of(credentials, now)
        invest(account, smallcase, now)
        invest(account, smallcase, now)

        path, query = "/v1/{gateway}/engine/user/investments", {"aggregatedData": "true"}
        answer = caller.call("GET", path, auth_id=account.auth_id, query=query)

        assert len(answer.data["investments"]) == 2
        assert answer.data["aggregatedData"]["currentInvestment"] == 2 * 3 * 2 * 100
        assert answer.data["aggregated"] == {
            name: answer.data["aggregatedData"][name]
            for name in (
                *("currentInvestment", "currentReturns", "networth", "totalReturns"),
                *("currentReturnsPercent", "totalReturnsPercent"),
            )
        }

    def test_add_up_to_nothing_where_all_are_exited_and_where_none_was_ever_made(
        self, caller: Partner, credentials: Credentials, now: datetime
    ) -> None:
        account = account_of(credentials, now)
        path, query = "/v1/{gateway}/engine/user/investments", {"aggregatedData": "true"}
        never = caller.call("GET", path, auth_id=account.auth_id, query=query).data
        invest(account, make.smallcase(), now)
        Investment.objects.update(exited_at=now)

        exited = caller.call("GET", path, auth_id=account.auth_id, query=query).data

        assert never["aggregated"] == []
        assert exited["aggregated"] == {
            **dict.fromkeys(("currentInvestment", "currentReturns", "networth", "totalReturns"), 0),
            **dict.fromkeys(("currentReturnsPercent", "totalReturnsPercent")),
        }

    def test_have_an_index_of_their_own_and_averages_of_four_decimals(
        self, caller: Partner, credentials: Credentials, now: datetime
    ) -> None:
        account = account_of(credentials, now)
        invest(account, make.smallcase(), now)
        InvestmentFill.objects.update(price=Decimal("100.6667"))

        (one,) = caller.call("GET", "/v1/{gateway}/engine/user/investments", auth_id=account.auth_id).data
        told = one["investment"]

        assert {line["averagePrice"] for line in told["currentConfig"]["constituents"]} == {100.6667}
        returns = told["returns"]
        index = 100 + returns["totalReturns"] / (returns["currentInvestment"] + returns["realizedInvestment"]) * 100
        assert told["stats"]["indexValue"] == pytest.approx(index, abs=0.0001)

    def test_of_a_guest_are_refused(self, caller: Partner) -> None:
        answer = caller.call("GET", "/v1/{gateway}/engine/user/investments")

        assert (answer.status, answer.error_type) == (403, "ConnectedUserRequired")

    def test_of_another_are_not_there(self, caller: Partner, credentials: Credentials, now: datetime) -> None:
        invest(account_of(credentials, now), make.smallcase(), now)
        other = Account.objects.create(
            gateway=credentials.gateway, auth_id=new_object_id(), broker="kite", client_id="other", created_at=now
        )

        answer = caller.call("GET", "/v1/{gateway}/engine/user/investments", auth_id=other.auth_id)

        assert answer.data == []
