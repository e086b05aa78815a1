"""An investment from its first BUY to its exit, through HTTP."""

from typing import Any

import pytest

from smallcases.models import Smallcase
from tests import make
from tests.investor import Investor
from tests.partner import Partner
from tests.receiver import Receiver
from webhooks.events.event_types import EventType
from webhooks.models import Endpoint

pytestmark = pytest.mark.usefixtures("now")  # SIPs have dates


@pytest.fixture
def smallcase(partner: Partner) -> Smallcase:
    return make.smallcase()


@pytest.fixture
def listening_to_actions(partner: Partner) -> None:
    Endpoint.objects.update(types=[kind.value for kind in EventType])


@pytest.fixture
def investor(partner: Partner, smallcase: Smallcase) -> Investor:
    return Investor(partner)


class TestABuy:
    def test_creates_an_investment_of_what_filled(self, investor: Investor) -> None:
        batches = investor.partner.call(
            "GET", "/v1/{gateway}/engine/orders/smt", auth_id=investor.auth_id, query={"iscid": investor.iscid}
        ).data

        (batch,) = batches
        assert (batch["label"], batch["scid"], batch["iscid"]) == ("BUY", "TEST_0001", investor.iscid)
        assert investor.shares() == {o["tradingsymbol"]: o["filledQuantity"] for o in batch["orders"]}

    def test_that_fills_nothing_leaves_no_investment(self, partner: Partner, smallcase: Smallcase) -> None:
        investor = Investor(partner, client_id="all-rejected")

        query = {"iscid": investor.iscid}
        answer = partner.call("GET", "/v1/{gateway}/engine/user/investments", auth_id=investor.auth_id, query=query)

        assert answer.data == []


class TestAnOrderOnIt:
    def test_invests_more(self, investor: Investor) -> None:
        before = investor.shares()

        batch = investor.order("INVESTMORE", chosen={"amount": 50_000})

        bought = {o["tradingsymbol"]: o["quantity"] for o in batch["orders"]}
        assert batch["label"] == "INVESTMORE"
        assert investor.shares() == {t: before.get(t, 0) + bought.get(t, 0) for t in {*before, *bought}}

    def test_invests_at_least_the_price_of_the_cheapest_share(self, investor: Investor) -> None:
        cheapest = min(
            line["averagePrice"] for line in investor.investment()["investment"]["currentConfig"]["constituents"]
        )

        refused = investor.complete(investor.create("INVESTMORE", amount=int(cheapest * 0.9)))

        assert (refused.status, refused.error_type) == (400, "ValidationError")
        assert "the price of the cheapest share" in refused.body["errors"][0]

    def test_rebalances_to_the_new_version_once(self, investor: Investor, smallcase: Smallcase) -> None:
        make.version(smallcase, {"INFY": "20", "TCS": "30", "ITC": "50"})
        assert investor.investment()["investment"]["recommendedAction"] == "REBALANCE"

        batch = investor.order("REBALANCE")

        after = investor.investment()
        assert batch["label"] == "REBALANCE"
        assert set(investor.shares()) == {"INFY", "TCS", "ITC"}
        assert (after["investment"]["version"], after["investment"]["recommendedAction"]) == (2, None)
        assert investor.try_create("REBALANCE").error_type == "NoOrder"

    def test_fixes_what_was_not_filled(self, investor: Investor) -> None:
        failed = investor.order("INVESTMORE", chosen={"amount": 50_000}, pin="error_marginsExceeded")
        (fix,) = investor.investment()["actions"]["fix"]
        assert (failed["status"], fix["batchId"], fix["originalLabel"]) == ("UNFILLED", failed["batchId"], "INVESTMORE")

        batch = investor.order("FIX")

        wanted = {o["tradingsymbol"]: o["quantity"] for o in failed["orders"]}
        assert {o["tradingsymbol"]: o["filledQuantity"] for o in batch["orders"]} == wanted
        assert (batch["label"], batch["originalLabel"]) == ("FIX", "INVESTMORE")
        assert investor.investment()["actions"]["fix"] == []

    def test_manages_the_shares_by_hand(self, investor: Investor) -> None:
        wanted = [{"ticker": "INFY", "shares": 3}, {"ticker": "ITC", "shares": 7}]

        investor.order("MANAGE", chosen={"constituents": wanted})

        assert investor.shares() == {"INFY": 3, "ITC": 7}
        assert investor.investment()["investment"]["deviated"] is True

    def test_exits_a_part_then_the_whole(self, investor: Investor) -> None:
        part = investor.order("EXIT", chosen={"exit": {"percent": 50}})
        whole = investor.order("EXIT")

        exited = investor.partner.call(
            "GET", "/v1/{gateway}/engine/user/exitedSmallcases", auth_id=investor.auth_id
        ).data
        assert (part["label"], whole["label"]) == ("PARTIALEXIT", "SELLALL")
        assert [one["iscid"] for one in exited] == [investor.iscid]
        assert investor.try_create("INVESTMORE", amount=1000).error_type == "NoOrder"

    def test_waits_for_the_one_before(self, investor: Investor) -> None:
        investor.partner.hours("closed")
        investor.order("INVESTMORE", chosen={"amount": 50_000}, amo=True)

        refused = investor.try_create("EXIT")

        assert (refused.status, refused.error_type, refused.data["code"]) == (409, "OrderPending", 4006)
        assert investor.investment()["investment"]["flags"] == {"amoPending": True}

    def test_waits_for_a_fix_before_a_rebalance(self, investor: Investor, smallcase: Smallcase) -> None:
        investor.order("INVESTMORE", chosen={"amount": 50_000}, pin="error_marginsExceeded")
        make.version(smallcase, {"INFY": "50", "TCS": "50"})
        transaction_id = investor.create("REBALANCE")

        answer = investor.complete(transaction_id)

        assert (answer.status, answer.error_type) == (409, "ActionRequired")
        assert investor.partner.details(transaction_id)["status"] == "ACTION_REQUIRED"


class TestAnArchivedSmallcase:
    @pytest.fixture(autouse=True)
    def _archived(self, investor: Investor, smallcase: Smallcase) -> None:
        make.version(smallcase, {"INFY": "50", "TCS": "50"})
        Smallcase.objects.update(is_archived=True)

    @pytest.mark.parametrize(("kind", "chosen"), [("INVESTMORE", {"amount": 50_000}), ("SIP", {}), ("REBALANCE", {})])
    def test_takes_no_more_money(self, investor: Investor, kind: str, chosen: dict[str, Any]) -> None:
        answer = investor.try_create(kind, **chosen)

        assert (answer.status, answer.error_type, answer.data["code"]) == (409, "NoOrder", 1013)

    def test_takes_no_new_investors(self, investor: Investor) -> None:
        answer = investor.try_create("BUY", scid="TEST_0001")

        assert (answer.status, answer.data["code"]) == (409, 1013)

    def test_lets_its_investors_go(self, investor: Investor) -> None:
        assert investor.order("EXIT")["label"] == "SELLALL"


class TestASip:
    def test_is_due_on_its_day_and_moves_on_when_done(self, investor: Investor) -> None:
        answer = investor.set_up_sip(amount=50_000, frequency="1m", scheduledDate="2026-12-31")
        early = investor.try_create("SIP")

        investor.clock("2026-12-31T06:00:00Z")
        (due,) = investor.investment()["actions"]["sip"]
        batch = investor.order("SIP")

        assert answer.data["sipDetails"]["sipActive"] is True
        assert early.error_type == "NoOrder"
        assert (due["scheduledDate"], batch["label"]) == ("2026-12-31", "SIP")
        assert investor.investment()["investment"]["sip"]["scheduledDate"] == "2027-01-31"
        assert investor.investment()["actions"]["sip"] == []

    def test_notifies_its_partner_once_when_it_is_due(
        self, investor: Investor, receiver: Receiver, listening_to_actions: None
    ) -> None:
        investor.set_up_sip(amount=50_000, frequency="1w", scheduledDate="2026-12-31")
        investor.clock("2026-12-31T06:00:00Z")

        make.sweep()

        told = [hit.json for hit in receiver.hits if hit.event == "action.pending"]
        assert [(body["action"], body["iscid"], body["scheduledDate"]) for body in told] == [
            ("SIP", investor.iscid, "2026-12-31")
        ]

    def test_ends(self, investor: Investor) -> None:
        investor.set_up_sip(amount=50_000, frequency="1w", scheduledDate="2026-12-31")

        answer = investor.set_up_sip(end=True)

        assert answer.data["sipDetails"]["sipActive"] is False
        assert investor.investment()["investment"]["sip"] is None

    def test_of_less_than_the_cheapest_share_is_refused(self, investor: Investor) -> None:
        catalogue = investor.partner.call("GET", "/v1/{gateway}/engine/smallcase", query={"scid": "TEST_0001"}).data
        least = catalogue["stats"]["minSipAmount"]

        refused = investor.set_up_sip(amount=least - 1, frequency="1w", scheduledDate="2026-12-31")
        accepted = investor.set_up_sip(amount=least, frequency="1w", scheduledDate="2026-12-31")

        assert (refused.status, refused.body["errors"]) == (
            400,
            [f"sip.amount: must be at least ₹{least}, the price of the cheapest share."],
        )
        assert accepted.data["sipDetails"]["amount"] == least

    def test_does_not_begin_in_the_past(self, investor: Investor) -> None:
        answer = investor.set_up_sip(amount=50_000, frequency="1w", scheduledDate="2020-01-01")

        assert (answer.status, answer.error_type) == (400, "ValidationError")


class TestAnErrand:
    def test_fetches_the_funds(self, investor: Investor) -> None:
        answer = investor.complete(investor.errand("FETCH_FUNDS"))

        assert 0 < answer.data["funds"] < 1_000_000_000_000
        assert "orderBatches" not in answer.data

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_imports_holdings_with_consent(self, investor: Investor, receiver: Receiver, version: str) -> None:
        path = "/v1/{gateway}/engine/user/holdings"
        before = investor.partner.call("GET", path, auth_id=investor.auth_id, query={"version": version})

        investor.complete(investor.errand("HOLDINGS_IMPORT"))

        after = investor.partner.call("GET", path, auth_id=investor.auth_id, query={"version": version})
        assert (before.status, after.status) == (404, 200)
        assert {line["ticker"] for line in after.data["securities"]} == set(investor.shares())
        assert receiver.events()[-1] == "holdings.imported"

    def test_cancels_what_waits_for_the_market(self, investor: Investor) -> None:
        investor.partner.hours("closed")
        investor.order("INVESTMORE", chosen={"amount": 50_000}, amo=True)

        answer = investor.complete(investor.errand("CANCEL_AMO", iscid=investor.iscid))

        (named,) = answer.data["orderBatches"]
        batch = investor.batch(named["batchId"])
        assert batch["status"] == "CANCELLED"
        assert {order["status"] for order in batch["orders"]} == {"CANCELLED AMO"}
        assert investor.investment()["actions"]["fix"] == []

    def test_has_no_amo_to_cancel(self, investor: Investor) -> None:
        body = {"intent": "CANCEL_AMO", "iscid": investor.iscid}
        answer = investor.partner.call("POST", "/gateway/{gateway}/transaction", body, auth_id=investor.auth_id)

        assert (answer.status, answer.error_type) == (409, "NoOrder")


class TestAClockThatWasReset:
    def test_lets_what_was_bought_in_the_future_be_sold(self, partner: Partner, smallcase: Smallcase) -> None:
        partner.advance("P10D")
        investor = Investor(partner)
        bought = investor.shares()
        assert partner.call("POST", "/sandbox/{gateway}/clock", {"reset": True}).status == 200

        sold = investor.order("EXIT", exit={"percent": 50})

        gone = {order["tradingsymbol"]: order["filledQuantity"] for order in sold["orders"]}
        assert (sold["label"], sold["status"]) == ("PARTIALEXIT", "COMPLETED")
        assert investor.shares() == {ticker: shares - gone.get(ticker, 0) for ticker, shares in bought.items()}
