"""A page of an origin that is not allowed can neither open, frame, nor read anything."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.checkout.conftest import User, headline

INFY = {"ticker": "INFY", "quantity": 10, "type": "BUY"}
FRAMED = """url => new Promise(done => {
    const frame = document.createElement("iframe"); frame.src = url;
    frame.onload = () => done(true);
    document.body.append(frame)
})"""
READ = "url => fetch(url).then(answer => answer.text(), error => String(error))"
OPENED = "url => { window.theirs = open(url) }"
LOOKED_INTO = "() => { try { return theirs.document.title } catch (error) { return error.name } }"
FORM = """url => {
    const form = document.createElement("form"); form.method = "post"; form.action = url + "leave";
    form.target = "_blank";
    document.body.append(form); form.submit()
}"""


@pytest.fixture
def checkout(user: User) -> Page:
    """Of the allowed page, at the chooser."""
    return user.open(user.partner.create([INFY]))


@pytest.fixture
def stranger(user: User, context: BrowserContext, checkout: Page) -> Iterator[Page]:
    """The other page, in the same browser; it has even learnt the session's address."""
    page = context.new_page()
    page.goto(user.site.stranger.origin)
    page.evaluate("addEventListener('message', event => heard.push(event.data))")
    yield page
    page.close()


class TestAStranger:
    def test_opens_nothing(self, user: User) -> None:
        transaction_id = user.partner.create([INFY])
        user.arrive(transaction_id, at=user.site.stranger.origin)
        with user.page.expect_popup() as popup:
            user.page.click("#go")

        assert user.rejection() == (5003, "network_error")
        if not popup.value.is_closed():
            popup.value.wait_for_event("close")
        assert user.partner.details(transaction_id)["status"] == "INITIALIZED"

    def test_frames_nothing(self, user: User, checkout: Page, stranger: Page) -> None:
        stranger.evaluate(FRAMED, checkout.url)

        framed = [frame.url for frame in stranger.frames if frame != stranger.main_frame]

        assert set(framed) <= {"", "chrome-error://chromewebdata/"}
        assert any("frame-ancestors" in complaint for complaint in user.complaints)

    def test_reads_nothing(self, checkout: Page, stranger: Page) -> None:
        assert stranger.evaluate(READ, checkout.url) == "TypeError: Failed to fetch"
        assert stranger.evaluate(READ, checkout.url + "status") == "TypeError: Failed to fetch"

    def test_looks_into_no_window(self, user: User, checkout: Page, stranger: Page) -> None:
        with stranger.expect_popup() as popup:
            stranger.evaluate(OPENED, checkout.url)
        popup.value.wait_for_selector("#q")

        assert stranger.evaluate(LOOKED_INTO) == "SecurityError"

    def test_hears_of_nothing(self, user: User, checkout: Page, stranger: Page) -> None:
        with stranger.expect_popup() as popup:
            stranger.evaluate(OPENED, checkout.url)

        popup.value.click("[aria-label='Close checkout']")

        checkout.wait_for_timeout(500)
        assert stranger.evaluate("heard") == []

    def test_sends_no_form(self, user: User, checkout: Page, stranger: Page) -> None:
        with stranger.expect_popup() as popup:
            stranger.evaluate(FORM, checkout.url)

        assert popup.value.inner_text("h1") == "Link not found"
        checkout.reload()
        assert checkout.inner_text("h1") == "Choose your broker"

    def test_convinces_the_sdk_of_nothing(self, user: User, checkout: Page, stranger: Page) -> None:
        """A message that looks right, but comes from elsewhere."""
        trigger = user.page.evaluate("setup.trigger.transactionId")
        user.page.evaluate(f"postMessage({{scdk: 'left', transactionId: '{trigger}'}}, '*')")

        user.page.wait_for_timeout(1500)

        assert user.page.evaluate("window.result") is None
        assert not checkout.is_closed()


class TestSomebodyElseWhoLogsIn:
    """The one who opened the checkout passed its address on; both have a browser of their own."""

    @pytest.mark.parametrize(
        "config", [{}, {"target": "#place"}, {"redirectUrl": "/back"}], ids=["popup", "frame", "redirect"]
    )
    def test_is_neither_known_nor_traded_for(
        self, user: User, chromium: Browser, context: BrowserContext, config: dict[str, Any]
    ) -> None:
        transaction_id = user.partner.create([INFY])
        user.arrive(transaction_id, **config)
        user.page.click("#go")
        address = self.address(context)
        other = chromium.new_context()
        theirs = other.new_page()
        theirs.goto(address)
        user.log_in(theirs)
        shown = theirs.url

        opened = next(frame for page in context.pages for frame in page.frames if frame.url == address)
        opened.goto(address)
        assert opened.locator("h1").inner_text() == "Continue in the window where you logged in"
        user.confirm(theirs)
        theirs.reload()
        headline(theirs, "Orders filled")
        assert (theirs.url, other.cookies()) == (shown, [])
        self.go_away(user, transaction_id, config)

        failed = user.result()["failed"]
        assert (failed["code"], failed["data"]) == (1012, {"state": "done"})
        assert user.partner.details(transaction_id)["success"]["broker"] == "kite"
        other.close()

    def address(self, context: BrowserContext) -> str:
        found: list[str] = []
        while not found:
            context.pages[0].wait_for_timeout(50)
            found = [frame.url for page in context.pages for frame in page.frames if "/checkout/s/" in frame.url]
        return found[0]

    def go_away(self, user: User, transaction_id: str, config: dict[str, str]) -> None:
        if "redirectUrl" in config:
            user.page.goto(f"{user.site.shop.origin}/?transactionId={transaction_id}")
        elif config:
            user.page.evaluate("document.querySelector('#place iframe').remove()")
        else:
            user.context.pages[-1].close()


class TestWhatIsSecret:
    def test_is_in_no_url_and_no_referrer(self, user: User) -> None:
        sent: list[tuple[str, str]] = []
        user.context.on("request", lambda one: sent.append((one.url, one.headers.get("referer", ""))))
        checkout = user.open(user.partner.create([INFY]))
        checkout.click("button[name=broker][value=kite]")
        checkout.fill("#client_id", "happy-4711")
        checkout.fill("#pin", "918273")
        checkout.click("form.fields .main")
        user.confirm(checkout)

        token = user.page.evaluate("setup.options.smallcaseAuthToken")
        words = [word for pair in sent for word in pair]
        assert not [word for word in words if token in word or "happy-4711" in word or "918273" in word]
        assert not [referrer for _, referrer in sent if "/checkout/s/" in referrer]

    def test_is_kept_in_no_storage(self, user: User) -> None:
        checkout = user.open(user.partner.create([INFY]))
        user.log_in(checkout)

        assert user.context.cookies() == []
        assert checkout.evaluate("localStorage.length + sessionStorage.length") == 0
        assert user.page.evaluate("localStorage.length + sessionStorage.length") == 0
