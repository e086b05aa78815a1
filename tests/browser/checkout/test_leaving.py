"""However a user leaves, the promise settles: with the code of where the user was, or with what was confirmed."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.checkout.conftest import User, headline

INFY = {"ticker": "INFY", "quantity": 10, "type": "BUY"}


def to_login(user: User, checkout: Page) -> None:
    checkout.click("button[name=broker][value=kite]")
    checkout.wait_for_selector("#pin")


def to_no_broker(user: User, checkout: Page) -> None:
    checkout.click("text=My broker is not listed")
    checkout.wait_for_selector("text=Back to brokers")


def to_confirmation(user: User, checkout: Page) -> None:
    user.log_in(checkout)


def nowhere(user: User, checkout: Page) -> None:
    """Stays at the chooser."""


PLACES = pytest.mark.parametrize(
    ("go", "code", "message"),
    [
        (nowhere, 1010, "user_cancelled"),
        (to_login, 1011, "user_cancelled"),
        (to_confirmation, 1012, "user_cancelled"),
        (to_no_broker, 1008, "no_broker"),
    ],
)


class TestClosing:
    @PLACES
    def test_the_window_sends_the_users_screen(
        self, user: User, go: Callable[[User, Page], None], code: int, message: str
    ) -> None:
        transaction_id = user.partner.create([INFY])
        checkout = user.open(transaction_id)
        go(user, checkout)

        checkout.close()

        assert user.rejection() == (code, message)
        details = user.partner.details(transaction_id)
        if code == 1012:  # after the login only the window itself ends it
            assert (details["status"], details["error"]) == ("USED", None)
        else:
            assert details["error"]["code"] == code

    @PLACES
    def test_by_the_button_gives_the_same_result(
        self, user: User, go: Callable[[User, Page], None], code: int, message: str
    ) -> None:
        checkout = user.open(user.partner.create([INFY]))
        go(user, checkout)

        checkout.click("[aria-label='Close checkout']")

        assert user.rejection() == (code, message)
        assert checkout.is_closed()

    @pytest.mark.parametrize(("choice", "code"), [("not-listed", 1006), ("wants-account", 1007)])
    def test_without_a_broker_tells_why(self, user: User, choice: str, code: int) -> None:
        checkout = user.open(user.partner.create([INFY]))
        to_no_broker(user, checkout)

        checkout.click(f"button[value={choice}]")

        assert user.rejection() == (code, "no_broker")

    def test_after_the_login_returns_the_user_and_the_open_state(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))
        to_confirmation(user, checkout)

        checkout.close()

        data = user.result()["failed"]["data"]
        assert (data["broker"], data["state"]) == ("kite", "open")
        assert data["smallcaseAuthToken"].count(".") == 2

    def test_before_anything_was_loaded_is_1010(self, user: User) -> None:
        user.arrive(user.partner.create([INFY]))
        with user.page.expect_popup() as popup:
            user.page.click("#go")

        popup.value.close()

        assert user.rejection() == (1010, "user_cancelled")

    def test_after_the_confirmation_is_no_cancellation(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))
        user.log_in(checkout, "slow")
        user.confirm(checkout)

        checkout.close()

        (batch,) = user.response()["orderBatches"]
        assert batch["status"] == "PLACED"


class TestAPromise:
    def test_that_runs_lets_no_second_one_begin(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))

        user.page.click("#again")

        assert user.rejection("second") == (5001, "transaction_in_process")
        checkout.close()
        assert user.rejection() == (1010, "user_cancelled")

    def test_of_an_unknown_transaction_is_rejected(self, user: User) -> None:
        user.arrive("TRX_" + "0" * 32)
        user.page.click("#go")

        assert user.rejection() == (3002, "invalid_transactionId")

    def test_of_a_used_transaction_is_rejected(self, user: User) -> None:
        transaction_id = user.partner.create([INFY])
        assert user.partner.complete(transaction_id).status == 200
        user.arrive(transaction_id)
        user.page.click("#go")

        assert user.rejection() == (3001, "transaction_expired")

    def test_without_a_network_is_rejected(self, user: User) -> None:
        user.arrive(user.partner.create([INFY]))
        user.context.route("**/sessions", lambda route: route.abort())
        user.page.click("#go")

        assert user.rejection() == (5003, "network_error")

    def test_survives_a_network_that_comes_back(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))
        refusals = [0, 1]
        user.context.route(
            "**/outcome", lambda route: route.abort() if refusals and refusals.pop() + 1 else route.continue_()
        )

        checkout.close()

        assert user.rejection() == (1010, "user_cancelled")
        assert refusals == []

    def test_of_one_that_expires_in_the_middle_is_rejected(self, own_user: User) -> None:
        checkout = own_user.open(own_user.partner.create([INFY]))
        own_user.log_in(checkout)
        own_user.partner.advance("PT16M")
        checkout.click("#sums .main")
        checkout.wait_for_selector("h1:text-is('Time is up')")

        checkout.click(".acts .main")

        assert own_user.rejection() == (1005, "transaction_expired")

    def test_asks_by_itself_when_the_time_is_over(self, own_user: User) -> None:
        """The window is left open at the chooser, and nobody comes back to it."""
        partner = own_user.partner
        transaction_id = partner.create([INFY])
        partner.advance("PT14M57S")
        checkout = own_user.open(transaction_id)

        assert own_user.rejection() == (3001, "transaction_expired")
        assert checkout.is_closed()


class TestAFrame:
    def test_shows_the_checkout_within_the_page(self, user: User) -> None:
        user.arrive(user.partner.create([INFY]), target="#place")
        user.page.click("#go")
        frame = user.page.frame_locator("#place iframe")
        frame.locator("button[name=broker][value=kite]").click()
        frame.locator("button[name=account][value=happy]").click()
        frame.locator("#sums .main").click()
        frame.locator("[data-headline]:text-is('Orders filled')").wait_for()
        frame.locator(".acts .main").click()

        assert user.response()["orderBatches"][0]["status"] == "COMPLETED"
        assert user.page.locator("#place iframe").count() == 0
        assert user.complaints == []

    def test_that_the_page_takes_away_was_left(self, user: User) -> None:
        user.arrive(user.partner.create([INFY]), target="#place")
        user.page.click("#go")
        user.page.frame_locator("#place iframe").locator("#q").wait_for()

        user.page.evaluate("document.querySelector('#place iframe').remove()")

        assert user.rejection() == (1010, "user_cancelled")

    def test_that_has_no_place_is_rejected(self, user: User) -> None:
        user.arrive(user.partner.create([INFY]), target="#nowhere")
        user.page.click("#go")

        assert user.rejection() == (5005, "invalid_elementorselector")


class TestARedirect:
    def leave_for_the_checkout(self, user: User) -> str:
        transaction_id = user.partner.create([INFY])
        user.arrive(transaction_id, redirectUrl=f"{user.site.shop.origin}/back?from=checkout")
        user.page.click("#go")
        user.page.wait_for_selector("#q")
        return transaction_id

    def test_returns_and_gets_the_outcome(self, user: User) -> None:
        transaction_id = self.leave_for_the_checkout(user)
        user.log_in(user.page)
        user.confirm(user.page)
        headline(user.page, "Orders filled")
        user.page.click(".acts .main")

        response = user.response()

        named = f"{user.site.shop.origin}/back?from=checkout&transactionId={transaction_id}&resultCode="
        assert user.page.url.startswith(named)
        assert len(user.page.url) == len(named) + 43
        assert user.page.evaluate("sessionStorage.length") == 0
        assert response["orderBatches"][0]["status"] == "COMPLETED"

    def test_that_is_cancelled_shows_so(self, user: User) -> None:
        self.leave_for_the_checkout(user)

        user.page.click("[aria-label='Close checkout']")

        assert user.rejection() == (1010, "user_cancelled")

    def test_left_by_the_back_button_settles_the_promise(self, user: User) -> None:
        transaction_id = self.leave_for_the_checkout(user)

        user.page.go_back()
        user.page.goto(f"{user.site.shop.origin}/?transactionId={transaction_id}")

        assert user.rejection() == (1010, "user_cancelled")
