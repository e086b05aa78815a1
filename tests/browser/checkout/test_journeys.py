"""Whole ways through the checkout in a real browser: from the partner's button to the promise that settles."""

from typing import Any

from playwright.sync_api import Page

from tests.browser.checkout.conftest import User, headline
from tests.partner import Answer
from tests.processes.wire import DistantPartner

INFY = {"ticker": "INFY", "quantity": 10, "type": "BUY"}
TCS = {"ticker": "TCS", "quantity": 5, "type": "SELL"}
SCID = "SCNM_0011"


def statuses(response: dict[str, Any]) -> list[str]:
    return [batch["status"] for batch in response["orderBatches"]]


def back(checkout: Page) -> None:
    checkout.click(".acts .main")


def invested(partner: DistantPartner, client_id: str = "happy") -> tuple[str, str]:
    """iscid and smallcaseAuthId of a user who has bought."""
    answer: Answer = partner.complete(partner.create_smallcase("BUY", scid=SCID), client_id, wait=20, amount=200_000)
    assert answer.status == 200, answer.body
    details = partner.details(answer.data["transactionId"])
    return str(answer.data["iscid"]), str(details["smallcaseAuthId"])


class TestAGuest:
    def test_buys_a_basket(self, user: User) -> None:
        transaction_id = user.partner.create([INFY, TCS], config={"orderName": "Smart Basket"}, notes="4711")
        checkout = user.open(transaction_id)
        user.log_in(checkout)
        assert checkout.inner_text("h1") == "Smart Basket"
        user.confirm(checkout)
        headline(checkout, "Orders filled")
        back(checkout)

        response = user.response()

        assert (response["transactionId"], response["notes"], response["broker"]) == (transaction_id, "4711", "kite")
        assert statuses(response) == ["COMPLETED"]
        assert response["smallcaseAuthToken"].count(".") == 2
        assert checkout.is_closed()
        assert user.complaints == []

    def test_chooses_what_the_partner_left_open(self, user: User) -> None:
        checkout = user.open(user.partner.create([{"ticker": "INFY"}, {"ticker": "TCS"}]))
        user.log_in(checkout)
        assert checkout.is_disabled("#sums .main")
        checkout.check("input[name=side-INFY][value=BUY]")
        checkout.check("input[name=side-TCS][value=SELL]")
        checkout.fill("input[name=quantity-INFY]", "7")
        checkout.wait_for_selector("#orders :text('7 shares')")
        user.confirm(checkout)
        headline(checkout, "Orders filled")
        back(checkout)

        (batch,) = user.response()["orderBatches"]

        told = [(order["tradingsymbol"], order["transactionType"], order["quantity"]) for order in batch["orders"]]
        assert told == [("INFY", "BUY", 7), ("TCS", "SELL", 1)]

    def test_places_a_limit_order_on_groww(self, user: User) -> None:
        limit = {**INFY, "orderType": "LIMIT", "price": 1000}
        checkout = user.open(user.partner.create([limit]))
        assert checkout.locator("#brokers li").all_inner_texts() == [
            "5P\n5paisa\nLimit orders",
            "GR\nGroww\nLimit orders",
            "ZE\nZerodha\nLimit orders",
        ]
        user.log_in(checkout, broker="groww")
        assert "Limit ₹1,000.00" in checkout.inner_text("#orders")
        user.confirm(checkout)
        headline(checkout, "Orders placed")
        back(checkout)

        response = user.response()

        (order,) = response["orderBatches"][0]["orders"]
        assert (response["broker"], order["orderType"], order["price"], order["status"]) == (
            "groww",
            "LIMIT",
            1000,
            "PLACED",
        )

    def test_with_too_little_money_is_stopped_and_may_go_on(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))
        user.log_in(checkout, "low-funds")
        assert "Not enough funds" in checkout.inner_text("#sums")
        checkout.click("#place")
        assert "Nothing was placed yet" in checkout.inner_text("#notices")
        checkout.check("input[name=anyway]")
        checkout.click("#place")
        headline(checkout, "Nothing was filled")
        assert "Not enough funds" in checkout.inner_text(".lines")
        back(checkout)

        assert statuses(user.response()) == ["UNFILLED"]

    def test_of_a_broker_that_stops_reporting_shows_what_happens_next(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY, TCS]))
        user.log_in(checkout, "lost-contact")
        user.confirm(checkout)
        headline(checkout, "Still checking with Zerodha")
        assert "What happens next" in checkout.inner_text("#progress")
        back(checkout)

        assert statuses(user.response()) == ["ERROR"]

    def test_after_hours_orders_for_the_open(self, own_user: User) -> None:
        own_user.partner.hours("closed")
        checkout = own_user.open(own_user.partner.create([INFY]), amo=True)
        own_user.log_in(checkout)
        assert "The market is closed" in checkout.inner_text("#sums")
        own_user.confirm(checkout)
        headline(checkout, "Waiting for the market to open")
        back(checkout)

        (batch,) = own_user.response()["orderBatches"]
        assert (batch["variety"], batch["status"]) == ("amo", "PLACED")

    def test_after_hours_without_amo_is_sent_away(self, own_user: User) -> None:
        own_user.partner.hours("closed")
        checkout = own_user.open(own_user.partner.create([INFY]))
        own_user.log_in(checkout)
        assert checkout.inner_text("h1") == "The market is closed"
        back(checkout)

        assert own_user.rejection() == (4004, "market_closed")

    def test_sees_the_prices_again_when_they_have_moved(self, own_user: User) -> None:
        partner = own_user.partner
        assert partner.call("PUT", "/sandbox/{gateway}/prices/INFY", {"price": 1000}).status == 200
        checkout = own_user.open(partner.create([INFY]))
        own_user.log_in(checkout)
        assert partner.call("PUT", "/sandbox/{gateway}/prices/INFY", {"price": 1100}).status == 200

        checkout.click("#sums .main")

        checkout.wait_for_selector("#notices :text('Prices have moved')")
        assert "₹1,000.00, now ₹1,100.00" in checkout.inner_text("#notices")
        own_user.confirm(checkout)


class TestAConnectedUser:
    def test_invests_more(self, user: User) -> None:
        iscid, auth_id = invested(user.partner, "happy-more")
        made = user.partner.create_smallcase("INVESTMORE", iscid=iscid, auth_id=auth_id)
        checkout = user.open(made, auth_id=auth_id)
        assert checkout.inner_text("h1") == "Log in to Zerodha"
        checkout.click("button[value='@connected']")
        checkout.wait_for_selector("#amount")
        checkout.fill("#amount", "50,000")
        checkout.wait_for_selector("#sums dd:text-matches('^₹(49|50),')")
        user.confirm(checkout)
        headline(checkout, "Orders filled")
        back(checkout)

        response = user.response()

        assert (response["iscid"], response["orderBatches"][0]["label"]) == (iscid, "INVESTMORE")

    def test_logging_in_to_another_account_is_a_mismatch(self, user: User) -> None:
        _, auth_id = invested(user.partner, "happy-mine")
        checkout = user.open(user.partner.create([INFY], auth_id=auth_id), auth_id=auth_id)
        checkout.click("button[name=account][value=partial]")
        checkout.wait_for_selector("h1:text-is('Different account')")
        back(checkout)

        assert user.rejection() == (1001, "user_mismatch")

    def test_fixes_what_was_filled_in_part(self, user: User) -> None:
        checkout = user.open(user.partner.create_smallcase("BUY", scid=SCID))
        user.log_in(checkout, "partial")
        checkout.fill("#amount", "3,00,000")
        checkout.wait_for_selector("#sums dd:text-matches('^₹(2,9|3,0)')")
        user.confirm(checkout)
        headline(checkout, "Partly filled")
        assert "Fix unfilled shares" in checkout.inner_text("#progress")
        back(checkout)
        iscid = user.response()["iscid"]
        (batch,) = user.response()["orderBatches"]
        auth_id = str(user.partner.details(batch["transactionId"])["smallcaseAuthId"])

        fix = user.partner.create_smallcase("FIX", iscid=iscid, auth_id=auth_id)
        again = User(user.context, user.site, user.partner, user.context.new_page())
        second = again.open(fix, auth_id=auth_id)
        second.click("button[value='@connected']")
        second.wait_for_selector("#orders li")
        assert second.locator("#orders li").count() == 1
        again.confirm(second)
        back(second)

        (fixed,) = again.response()["orderBatches"]
        assert (fixed["label"], fixed["originalLabel"]) == ("FIX", "BUY")

    def test_marks_the_rest_as_complete_instead(self, user: User) -> None:
        iscid, auth_id = invested(user.partner, "partial-mark")
        fix = user.partner.create_smallcase("FIX", iscid=iscid, auth_id=auth_id)
        checkout = user.open(fix, auth_id=auth_id)
        checkout.click("button[value='@connected']")

        checkout.click("text=Mark as complete instead")

        headline(checkout, "Done")
        back(checkout)
        assert user.response()["orderBatches"] == []
