"""Words that come late, orders that cross: an investment stays what its fills say, and nothing is done twice."""

from collections import Counter
from typing import Any

import pytest

from brokers.simulator.models import SimTrade
from smallcases.models import Smallcase
from tests import make
from tests.investor import Investor
from tests.partner import Partner
from tests.receiver import Receiver
from transactions.models import Batch
from webhooks.events.event_types import EventType
from webhooks.models import Endpoint

pytestmark = pytest.mark.usefixtures("now")  # SIPs have dates


@pytest.fixture
def smallcase(partner: Partner) -> Smallcase:
    return make.smallcase()


@pytest.fixture
def late(partner: Partner, smallcase: Smallcase) -> Investor:
    """The last order of each basket is reported after ten minutes; all other orders are reported."""
    investor = Investor(partner, client_id="late-fill")
    hear_all(investor)
    return investor


def hear_all(investor: Investor) -> None:
    for _ in range(2):
        investor.partner.advance("PT11M")
        make.sweep()


def lost(investor: Investor, kind: str, **chosen: Any) -> dict[str, Any]:
    """An order whose last part has gone to ERROR."""
    batch = investor.order(kind, chosen=chosen)
    investor.partner.advance("PT10S")
    make.sweep()
    return investor.batch(batch["batchId"])


def sold_at_the_broker() -> Counter[str]:
    sold: Counter[str] = Counter()
    for ticker, shares in SimTrade.objects.filter(side="SELL").values_list("ticker", "quantity"):
        sold[ticker] += shares
    return sold


class TestAnExitWhoseSaleWasLost:
    def test_is_not_sold_a_second_time(self, late: Investor) -> None:
        held = late.shares()
        first = lost(late, "EXIT")
        assert first["status"] == "ERROR"

        again = late.complete(late.create("EXIT"))
        hear_all(late)

        assert (again.status, again.data["code"]) == (409, 1002)
        assert sold_at_the_broker() == held
        assert late.batch(first["batchId"])["status"] == "COMPLETED"


class TestARebalanceHeardLate:
    def test_moves_nothing_back(self, late: Investor, smallcase: Smallcase) -> None:
        make.version(smallcase, {"INFY": "20", "TCS": "30", "ITC": "50"})
        second = lost(late, "REBALANCE")
        make.version(smallcase, {"INFY": "60", "TCS": "30", "ITC": "10"})
        lost(late, "REBALANCE")

        hear_all(late)

        assert late.batch(second["batchId"])["status"] == "COMPLETED"
        investment = late.investment()["investment"]
        assert (investment["version"], investment["recommendedAction"]) == (3, None)


class TestASipHeardLate:
    def test_moves_on_all_the_same(self, late: Investor) -> None:
        late.set_up_sip(amount=1_300, frequency="1m", scheduledDate="2026-12-31")
        late.clock("2026-12-31T06:00:00Z")
        batch = lost(late, "SIP")
        assert (batch["status"], batch["quantity"]) == ("ERROR", 1)

        hear_all(late)

        assert late.investment()["investment"]["sip"]["scheduledDate"] == "2027-01-31"


class TestABuyThatWaited:
    def test_is_notified_of_a_version_published_meanwhile(
        self, partner: Partner, receiver: Receiver, smallcase: Smallcase
    ) -> None:
        Endpoint.objects.update(types=[EventType.ACTION_PENDING.value])
        transaction_id = partner.create_smallcase("BUY", scid="TEST_0001", amount=100_000)
        partner.hours("closed")
        partner.complete(transaction_id, amo=True)
        make.version(smallcase, {"INFY": "50", "TCS": "50"})

        partner.hours("always")
        partner.advance("PT1M")
        make.sweep()

        assert [(hit.json["action"], hit.json["version"]) for hit in receiver.hits] == [("REBALANCE", 2)]

    def test_can_be_cancelled_before_it_is_an_investment(self, partner: Partner, smallcase: Smallcase) -> None:
        partner.hours("closed")
        bought = partner.create_smallcase("BUY", scid="TEST_0001", amount=100_000)
        answer = partner.complete(bought, amo=True)
        auth_id = partner.details(bought)["smallcaseAuthId"]
        body = {"intent": "CANCEL_AMO", "iscid": answer.data["iscid"]}
        made = partner.call("POST", "/gateway/{gateway}/transaction", body, auth_id=auth_id)
        assert made.status == 200, made.body

        cancelled = partner.complete(made.data["transactionId"])
        make.sweep()

        (batch,) = cancelled.data["orderBatches"]
        assert batch["transactionId"] == bought
        assert Batch.objects.get(batch_id=batch["batchId"]).status == "CANCELLED"


class TestAnOrderTooLarge:
    def test_is_cut_and_the_rest_is_unplaced_with_a_reason(self, partner: Partner, smallcase: Smallcase) -> None:
        transaction_id = partner.create_smallcase("BUY", scid="TEST_0001", amount=9_000_000_000)

        (batch,) = partner.complete(transaction_id).data["orderBatches"]

        placed = {order["tradingsymbol"]: order["quantity"] for order in batch["orders"]}
        rest = {one["tradingsymbol"]: (one["errorCode"], one["statusMessage"]) for one in batch["unplaced"]}
        assert placed["INFY"] == 1_000_000
        assert rest["INFY"][0] == "invalidOrder"
        assert "more than one order may have" in rest["INFY"][1]


class TestAHostileIscid:
    @pytest.mark.parametrize("iscid", ["\x00", "'; --", "0" * 24, ""])
    def test_names_nothing(self, late: Investor, iscid: str) -> None:
        path = "/v1/{gateway}/engine/user/investments"
        answer = late.partner.call("GET", path, auth_id=late.auth_id, query={"iscid": iscid})

        assert (answer.status, answer.data) == (200, [])


class TestAClockSetBack:
    def test_leaves_nothing_waiting_in_the_future(self, partner: Partner, receiver: Receiver) -> None:
        partner.advance("P30D")
        partner.hours("closed")
        partner.complete(partner.create(), amo=True)

        partner.call("POST", "/sandbox/{gateway}/clock", {"reset": True})
        partner.hours("always")
        partner.advance("PT1M")
        make.sweep()

        assert not Batch.objects.filter(due_at__gt="2026-12-31T00:00:00Z").exists()
