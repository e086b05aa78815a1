"""What an investment follows after a MANAGE order: the user's own target, until a rebalance replaces it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.partners import clock
from smallcases.models import Investment, Smallcase
from tests import make
from tests.invariants.world import broken
from tests.investor import Investor
from tests.partner import Partner
from tests.transactions.reconciliation.reconciling import acting, complete, settled, support
from transactions.models import Batch, Order
from transactions.reconciliation.correct_orders import CorrectedBy, undo

pytestmark = pytest.mark.usefixtures("now")
CHOSEN = [{"ticker": "INFY", "shares": 30}, {"ticker": "ITC", "shares": 70}]  # of INFY, TCS and HDFCBANK


@pytest.fixture
def smallcase(partner: Partner) -> Smallcase:
    return make.smallcase()


@pytest.fixture
def investor(partner: Partner, smallcase: Smallcase) -> Investor:
    return Investor(partner)


@pytest.fixture
def managed(investor: Investor) -> Investor:
    investor.order("MANAGE", chosen={"constituents": CHOSEN})
    return investor


def stored() -> Investment:
    return Investment.objects.get()


def target() -> dict[str, Decimal]:
    return {ticker: Decimal(weight) for ticker, weight in (stored().target or {}).items()}


def bought(batch: dict[str, Any]) -> set[str]:
    return {order["tradingsymbol"] for order in batch["orders"] if order["transactionType"] == "BUY"}


class TestTheTarget:
    def test_is_the_chosen_shares_at_their_prices(self, managed: Investor) -> None:
        lines = managed.investment()["investment"]["currentConfig"]["constituents"]

        assert sum(target().values()) == 100
        assert target() == {line["ticker"]: pytest.approx(Decimal(str(line["weight"] * 100)), abs=1) for line in lines}
        assert managed.investment()["investment"]["deviated"] is True

    @pytest.mark.parametrize("amount", [2_000, 90_000])
    def test_is_followed_by_invest_more(self, managed: Investor, amount: int) -> None:
        assert bought(managed.order("INVESTMORE", chosen={"amount": amount})) <= {"INFY", "ITC"}

    def test_is_followed_by_a_sip(self, managed: Investor) -> None:
        managed.set_up_sip(amount=50_000, frequency="1w", scheduledDate="2026-12-02")
        managed.partner.advance("P12D")

        assert bought(managed.order("SIP")) == {"INFY", "ITC"}

    def test_is_replaced_by_a_rebalance(self, managed: Investor, smallcase: Smallcase) -> None:
        make.version(smallcase, {"INFY": "20", "TCS": "80"})

        managed.order("REBALANCE")

        assert (set(managed.shares()), stored().target) == ({"INFY", "TCS"}, None)
        assert "TCS" in bought(managed.order("INVESTMORE", chosen={"amount": 50_000}))
        assert managed.investment()["investment"]["deviated"] is False

    def test_stays_through_a_sale_of_a_part(self, managed: Investor) -> None:
        before = stored().target

        managed.order("EXIT", chosen={"exit": {"percent": 50}})

        assert stored().target == before

    def test_is_what_the_user_chose_where_a_part_is_filled(self, partner: Partner, smallcase: Smallcase) -> None:
        investor = Investor(partner, client_id="one-rejected")
        batch = investor.order("MANAGE", chosen={"constituents": CHOSEN})
        assert (batch["status"], "ITC" in investor.shares()) == ("PARTIALLYFILLED", False)

        assert target().keys() == {"INFY", "ITC"}
        assert bought(investor.order("FIX")) == {"ITC"}

    def test_comes_with_the_first_fill(self, investor: Investor) -> None:
        investor.order("MANAGE", chosen={"constituents": CHOSEN}, pin="error_marginsExceeded")
        assert (stored().is_customised, stored().target) == (False, None)

        investor.order("FIX")

        assert (investor.shares(), set(target())) == ({"INFY": 30, "ITC": 70}, {"INFY", "ITC"})

    def test_of_an_older_release_is_the_present_composition(self, managed: Investor) -> None:
        Investment.objects.update(target=None)

        assert bought(managed.order("INVESTMORE", chosen={"amount": 90_000})) == {"INFY", "ITC"}


class TestSupport:
    @pytest.fixture
    def lost(self, investor: Investor) -> Order:
        """The only order of a MANAGE, of unknown outcome."""
        shares = {**investor.shares(), "TCS": investor.shares()["TCS"] + 1}
        chosen = [{"ticker": ticker, "shares": count} for ticker, count in shares.items()]
        investor.order("MANAGE", chosen={"constituents": chosen}, pin="error_marginsExceeded")
        Order.objects.filter(batch__label="MANAGE").update(status="ERROR", error_code="adapterError")
        Batch.objects.filter(label="MANAGE").update(status="ERROR")
        return Order.objects.get(batch__label="MANAGE")

    def test_gives_the_target_with_the_fill_and_takes_it_back(self, lost: Order, now: datetime) -> None:
        asha = support()
        settled(lost, complete(lost), by=asha, now=clock.now(lost.batch.gateway))
        assert target().keys() == {"INFY", "TCS", "HDFCBANK"}
        assert broken() == {}

        correction = Order.objects.get(pk=lost.pk).active_correction
        assert correction is not None
        undo(correction=correction, corrected_by=CorrectedBy(acting(asha), "Wrong client."), now=now)

        assert (stored().is_customised, stored().target) == (False, None)
        assert "an_investment_follows_its_manage_orders" not in broken()

    def test_changes_no_target_that_a_rebalance_has_replaced(
        self, lost: Order, investor: Investor, smallcase: Smallcase
    ) -> None:
        make.version(smallcase, {"INFY": "20", "TCS": "80"})
        Batch.objects.filter(pk=lost.batch_id).update(status="MARKEDCOMPLETE")
        investor.order("REBALANCE")

        settled(lost, complete(lost), by=support(), now=clock.now(lost.batch.gateway))

        assert (stored().version.number, stored().is_customised, stored().target) == (2, False, None)

    def test_doctor_finds_a_target_that_no_order_chose(self, investor: Investor) -> None:
        Investment.objects.update(is_customised=True, target={"INFY": "100"})

        assert broken() == {"an_investment_follows_its_manage_orders": 1}

    def test_doctor_finds_a_target_that_was_lost(self, managed: Investor) -> None:
        Investment.objects.update(is_customised=False)

        assert broken() == {"an_investment_follows_its_manage_orders": 1}
