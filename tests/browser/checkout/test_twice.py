"""Two tabs, a reload, the back button, a double click: one order is one order."""

from typing import Any

from playwright.sync_api import Page

from tests.browser.checkout.conftest import User, headline

INFY = {"ticker": "INFY", "quantity": 10, "type": "BUY"}
SENT_TWICE = """
    const form = document.querySelector("#order"), button = document.querySelector("#sums .main");
    const body = new URLSearchParams(new FormData(form)); body.set("action", "confirm");
    Promise.all([1, 2, 3].map(() => fetch(form.getAttribute("action"), {method: "POST", body}))).then(() => 1)
"""

LOGGED_IN_TWICE = """
    const form = document.querySelector(".fields");
    form.querySelector("#client_id").value = "happy";
    form.querySelector("#pin").value = "1";
    const body = new URLSearchParams(new FormData(form));
    fetch(form.action, {method: "POST", body}).then(() => form.submit());
"""


def orders(user: User, transaction_id: str) -> list[Any]:
    """Of all the batches there are."""
    success = user.partner.details(transaction_id)["success"]
    return [order for batch in success["orderBatches"] for order in batch["orders"]]


def second_tab(user: User, checkout: Page) -> Page:
    tab = user.context.new_page()
    tab.goto(checkout.url)
    return tab


class TestOneOrder:
    def test_is_placed_from_two_tabs(self, user: User) -> None:
        transaction_id = user.partner.create([INFY])
        checkout = user.open(transaction_id)
        user.log_in(checkout)
        tab = second_tab(user, checkout)

        user.confirm(checkout)
        user.confirm(tab)

        headline(tab, "Orders filled")
        headline(checkout, "Orders filled")
        assert len(orders(user, transaction_id)) == 1

    def test_is_placed_by_a_form_sent_three_times_at_once(self, user: User) -> None:
        transaction_id = user.partner.create([INFY])
        checkout = user.open(transaction_id)
        user.log_in(checkout)

        assert checkout.evaluate(SENT_TWICE) == 1

        checkout.reload()
        headline(checkout, "Orders filled")
        assert len(orders(user, transaction_id)) == 1

    def test_survives_reloads_while_it_is_placed(self, user: User) -> None:
        transaction_id = user.partner.create([INFY])
        checkout = user.open(transaction_id)
        user.log_in(checkout, "slow")
        user.confirm(checkout)

        for _ in range(3):
            checkout.reload()

        headline(checkout, "Orders placed")
        assert len(orders(user, transaction_id)) == 1

    def test_survives_the_back_button(self, user: User) -> None:
        transaction_id = user.partner.create([INFY])
        checkout = user.open(transaction_id)
        user.log_in(checkout)
        user.confirm(checkout)

        checkout.go_back()

        headline(checkout, "Orders filled")
        assert len(orders(user, transaction_id)) == 1

    def test_continues_in_the_window_that_opened_it_again(self, user: User) -> None:
        """The page that opened it was reloaded, and opens it once more."""
        transaction_id = user.partner.create([INFY])
        first = user.open(transaction_id)
        again = User(user.context, user.site, user.partner, user.context.new_page())
        second = again.open(transaction_id)

        first.reload()

        assert first.inner_text("h1") == "Continued in another window"
        first.click(".acts .main")
        assert user.rejection() == (1010, "user_cancelled")
        again.log_in(second)
        again.confirm(second)
        headline(second, "Orders filled")


class TestTheWindowThatLoggedIn:
    def test_finds_back_from_the_page_before_the_login(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))
        user.log_in(checkout)
        checkout.go_back()
        checkout.wait_for_selector("h1:text-is('Continue in the window where you logged in')")

        checkout.click("[data-forward]")

        checkout.wait_for_selector("#sums")

    def test_is_the_same_for_a_login_that_is_sent_twice(self, user: User) -> None:
        """By somebody impatient whose browser runs no script of ours: it follows the last answer."""
        checkout = user.open(user.partner.create([INFY]))
        checkout.click("button[name=broker][value=kite]")
        checkout.wait_for_selector("#pin")

        checkout.evaluate(LOGGED_IN_TWICE)

        checkout.wait_for_selector("#sums")
        user.confirm(checkout)
        headline(checkout, "Orders filled")


class TestASecondTab:
    def test_that_did_not_log_in_is_shown_nothing(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))
        tab = second_tab(user, checkout)
        user.log_in(checkout)

        tab.click("button[name=broker][value=groww]")

        tab.wait_for_selector("h1:text-is('Continue in the window where you logged in')")
        assert tab.locator("[data-forward]:visible").count() == 0
        user.confirm(checkout)
        headline(checkout, "Orders filled")

    def test_may_close_it_for_both(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))
        user.log_in(checkout)
        tab = second_tab(user, checkout)

        tab.click("[aria-label='Close checkout']")
        checkout.click("#sums .main")

        checkout.wait_for_selector("h1:text-is('Closed')")
        checkout.click(".acts .main")
        assert user.rejection() == (1012, "user_cancelled")
