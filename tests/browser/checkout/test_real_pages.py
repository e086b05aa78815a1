"""Pages as they are: they open the checkout on load, in an app or in a frame, where the browser opens no window."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.browser.checkout.conftest import ARRIVED, PATIENCE, Site, User
from tests.browser.looking import AXE, RUN_AXE
from tests.processes.wire import DistantPartner

INFY = {"ticker": "INFY", "quantity": 10, "type": "BUY"}
WEB_VIEW = "Mozilla/5.0 (Linux; Android 15; Pixel 9 Build/X; wv) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
BLOCKER = "window.open = () => null"  # as a popup blocker answers
SLOW = """
  const quick = window.fetch;
  window.fetch = (...all) => new Promise((go) => setTimeout(go, 2500)).then(() => quick(...all));
"""
ASKED = "dialog:has-text('Leave the checkout?')"


def over_the_page(page: Page) -> Frame:
    """The checkout in the dialog, at its first screen."""
    page.wait_for_selector("dialog[open] iframe", timeout=PATIENCE)
    page.frame_locator("dialog iframe").locator(ARRIVED).wait_for(timeout=PATIENCE)
    return next(frame for frame in page.frames if "/checkout/s/" in frame.url)


def log_in(checkout: Frame) -> None:
    checkout.click("button[name=broker][value=kite]")
    checkout.click("button[name=account][value=happy]")
    checkout.wait_for_selector("#sums", timeout=PATIENCE)


class TestAPageThatOpensTheCheckoutOnLoad:
    def test_after_a_slow_answer_shows_it_over_the_page_to_its_end(self, user: User) -> None:
        user.page.add_init_script(BLOCKER)
        user.page.add_init_script(SLOW)
        user.arrive(user.partner.create([INFY]), unasked=True)
        user.page.wait_for_selector("dialog:has-text('Opening the checkout')")

        checkout = over_the_page(user.page)
        log_in(checkout)
        checkout.click("#sums .main[value=confirm]")
        checkout.wait_for_selector("[data-headline]", timeout=PATIENCE)
        checkout.click(".acts button.main")

        (batch,) = user.response()["orderBatches"]
        assert batch["status"] in {"COMPLETED", "PLACED"}
        assert user.page.locator("dialog").count() == 0

    def test_asks_before_escape_leaves_it(self, user: User) -> None:
        user.page.add_init_script(BLOCKER)
        user.arrive(user.partner.create([INFY]), unasked=True)
        checkout = over_the_page(user.page)

        checkout.locator("#q").focus()
        user.page.keyboard.press("Escape")
        user.page.wait_for_selector(ASKED)
        user.page.click("dialog button:text-is('Stay')")
        assert checkout.evaluate("document.hasFocus()")
        user.page.click("dialog [aria-label='Close the checkout']")
        user.page.click("dialog button:text-is('Leave')")

        assert user.rejection() == (1010, "user_cancelled")

    def test_keeps_the_focus_in_it_and_breaks_no_rule(self, user: User) -> None:
        user.page.add_init_script(BLOCKER)
        user.arrive(user.partner.create([INFY]), unasked=True)
        over_the_page(user.page)

        for _ in range(40):
            user.page.keyboard.press("Tab")
            assert user.page.evaluate("!document.querySelector('#go').matches(':focus')")
        user.page.add_script_tag(path=AXE)
        assert user.page.evaluate(RUN_AXE.replace("axe.run(", "axe.run('dialog', ")) == []


class TestAWebView:
    def test_shows_it_over_the_page_although_it_was_clicked(
        self, chromium: Browser, site: Site, partner: DistantPartner
    ) -> None:
        context = chromium.new_context(viewport={"width": 390, "height": 844}, user_agent=WEB_VIEW)
        user = User(context, site, partner, context.new_page())
        user.arrive(partner.create([INFY]))
        user.page.click("#go")

        checkout = over_the_page(user.page)

        assert (len(context.pages), checkout.evaluate("innerWidth <= 390")) == (1, True)
        context.close()


class TestAGuestWithoutAToken:
    @pytest.mark.parametrize("options", [{"smallcaseAuthToken": None}, {"userData": {"name": "Asha"}}])
    def test_logs_in_and_gets_the_result(self, user: User, options: dict[str, Any]) -> None:
        user.arrive(user.partner.create([INFY]))
        user.page.evaluate("options => window.sdk.init(options)", options)
        with user.page.expect_popup() as popup:
            user.page.click("#go")
        checkout = popup.value
        checkout.wait_for_selector(ARRIVED, timeout=PATIENCE)

        user.log_in(checkout)
        user.confirm(checkout)
        checkout.close()

        assert user.response()["smallcaseAuthToken"].count(".") == 2
