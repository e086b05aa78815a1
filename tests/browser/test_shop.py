"""The demo site as a newcomer meets it: from /demo/ through a basket, a smallcase and a rebalance to the exit."""

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser.checkout.test_access import AXE, RUN_AXE, WIDER
from tests.processes.stack import Processes, bare_environment
from tests.processes.waiting import until
from tests.servers import free_port

PATIENCE: Final = 20_000.0  # ms
TABS: Final = ("stocks", "smallcases", "investments", "webhooks")
SMALLCASE: Final = "Two-Fund Simplicity"
INVESTMENTS: Final = re.compile(r"/api/investments\b")


@dataclass(frozen=True, slots=True)
class Site:
    base: str
    shop: str


@dataclass
class Newcomer:
    """A browser at the demo site. `complaints`: what its console said on the site or in the checkout."""

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self._note(page, said.type, said.text))

    def _note(self, page: Page, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{page.url}: {text}")

    def look_at(self, tab: str) -> None:
        self.page.goto(f"{self.site.shop}/#{tab}")
        self.page.wait_for_selector(f"[data-view={tab}]:visible")

    def checkout(self) -> Page:
        """Opened by the second click, once the transaction is there."""
        with self.page.expect_popup() as popup:
            self.page.click("#continue")
        opened = popup.value
        opened.wait_for_selector("body:not(.plain) main")
        return opened

    def log_in(self, account: str = "happy") -> Page:
        checkout = self.checkout()
        checkout.click("button[name=broker][value=kite]")
        checkout.click(f"button[name=account][value={account}]")
        checkout.wait_for_selector("#sums")
        return checkout

    def log_in_again(self) -> Page:
        checkout = self.checkout()
        checkout.click("button[value='@connected']")
        checkout.wait_for_selector("#sums")
        return checkout

    def confirm(self, checkout: Page, headline: str = "Orders filled") -> None:
        """To the end, and back on the site."""
        checkout.click("#sums .main[value=confirm]")
        checkout.wait_for_selector(f"[data-headline]:text-is('{headline}')")
        checkout.click(".acts .main")

    def sees_no_violation(self) -> None:
        """As it stands, on a desktop and on a phone."""
        for width in (360, 1280):
            self.page.set_viewport_size({"width": width, "height": 900})
            assert self.violations() == []
            assert not self.page.evaluate(WIDER)

    def violations(self) -> list[tuple[str, list[str]]]:
        """What axe-core finds wrong, and where."""
        self.page.evaluate(AXE.read_text())
        return [(one["id"], [node["html"] for node in one["nodes"]]) for one in self.page.evaluate(RUN_AXE)]

    def sheet_says(self, word: str) -> None:
        expect(self.page.locator("#sheet article.batch > header .pill")).to_have_text(word, timeout=PATIENCE)
        self.page.click("#sheet button.main")


@pytest.fixture(scope="module")
def site(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory, port, demo_port = tmp_path_factory.mktemp("shop"), free_port(), free_port()
    shutil.copytree(first_start, directory, dirs_exist_ok=True)
    environment = bare_environment(VAR_DIR=str(directory), PYTHONUNBUFFERED="1", DEMO_PORT=str(demo_port))
    with Processes(environment, directory / "log") as processes:
        processes.start("up", [sys.executable, "manage.py", "up", "--port", str(port), "--workers", "1"])
        until(lambda: "Try it" in processes.log.read_text(), seconds=90, what="serving")
        shop = f"http://127.0.0.1:{demo_port}"
        until(lambda: answers(shop), what="a demo site")
        yield Site(f"http://127.0.0.1:{port}", shop)


def answers(shop: str) -> bool:
    try:
        return requests.get(f"{shop}/api/me", timeout=2).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture
def newcomer(chromium: Browser, site: Site) -> Iterator[Newcomer]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    made = Newcomer(context.new_page(), site)
    context.on("page", made.watch)
    made.watch(made.page)
    yield made
    context.close()


class TestANewcomer:
    def test_buys_gets_a_notice_rebalances_and_exits(self, newcomer: Newcomer) -> None:
        page = newcomer.page
        page.goto(f"{newcomer.site.base}/demo/")
        assert page.url == f"{newcomer.site.shop}/"

        self.buys_a_basket(newcomer)
        self.reads_the_webhooks(newcomer)
        self.buys_a_smallcase(newcomer)
        self.rebalances(newcomer)
        self.exits(newcomer)

        assert newcomer.complaints == []

    def buys_a_basket(self, newcomer: Newcomer) -> None:
        page = newcomer.page
        page.fill("#search", "infosys")
        page.click("button[aria-label='Add INFY']")
        page.fill("#search", "")
        page.click("button[aria-label='Add TCS']")
        page.fill("#quantity-TCS", "3")
        page.click("#buy-now")
        page.wait_for_selector("#continue")
        newcomer.sees_no_violation()
        newcomer.confirm(newcomer.log_in())
        newcomer.sheet_says("Completed")
        page.wait_for_selector("#recent article.batch li")  # asked for once the sheet is closed
        orders = page.locator("#recent article.batch li").all_inner_texts()
        assert [re.sub(r"\s+", " ", order).split(" at ")[0] for order in orders] == [
            "BUY INFY 1 of 1",
            "BUY TCS 3 of 3",
        ]
        expect(page.locator("#account")).to_have_text("Zerodha")
        newcomer.sees_no_violation()

    def reads_the_webhooks(self, newcomer: Newcomer) -> None:
        page = newcomer.page
        page.click("[data-tab=webhooks]")
        expect(page.locator("#hits h2")).to_have_text(["order.completed", "order.placed"], timeout=PATIENCE)
        proofs = page.locator("#hits .proof").all_inner_texts()
        assert proofs == ["✓ Signature verified", "✓ Checksum verified"] * 2
        page.click("#hits li:first-child summary")
        expect(page.locator("#hits li:first-child pre")).to_contain_text('"status": "COMPLETED"')
        newcomer.sees_no_violation()

    def buys_a_smallcase(self, newcomer: Newcomer) -> None:
        page = newcomer.page
        page.click("[data-tab=smallcases]")
        page.wait_for_selector(".chart path.index")
        page.click(f"button[aria-label='Invest in {SMALLCASE}']")
        checkout = newcomer.log_in_again()
        checkout.fill("#amount", "50,000")
        checkout.wait_for_selector("#sums dd:text-matches('^₹(49|50),')")
        newcomer.confirm(checkout)
        newcomer.sheet_says("Completed")

    def rebalances(self, newcomer: Newcomer) -> None:
        page = newcomer.page
        page.click("[data-tab=investments]")
        page.click(f"button[aria-label='Play the manager: publish a rebalance of {SMALLCASE}']")
        page.wait_for_selector("[data-pending=REBALANCE]")
        page.click(".investment summary")
        newcomer.sees_no_violation()
        page.click(f"button[aria-label='Rebalance {SMALLCASE}']")
        newcomer.confirm(newcomer.log_in_again())
        newcomer.sheet_says("Completed")
        expect(page.locator(".investment header p")).to_contain_text("Version 2", timeout=PATIENCE)
        assert page.locator("[data-pending]").count() == 0

    def exits(self, newcomer: Newcomer) -> None:
        page = newcomer.page
        page.click(f"button[aria-label='Exit {SMALLCASE}']")
        newcomer.confirm(newcomer.log_in_again())
        newcomer.sheet_says("Completed")
        expect(page.locator("#portfolio h2:text-is('Exited') + ul strong")).to_have_text(SMALLCASE, timeout=PATIENCE)
        assert page.locator(".investment").count() == 0

    def test_whose_popup_is_blocked_sees_the_checkout_over_the_page(self, newcomer: Newcomer) -> None:
        newcomer.page.add_init_script("window.open = () => null")
        newcomer.look_at("smallcases")
        newcomer.page.click(f"button[aria-label='Invest in {SMALLCASE}']")
        newcomer.page.click("#continue")

        checkout = newcomer.page.frame_locator("dialog iframe")
        expect(checkout.locator("button[name=broker][value=kite]")).to_be_visible(timeout=PATIENCE)

    def test_closing_the_checkout_shows_its_effect(self, newcomer: Newcomer) -> None:
        newcomer.look_at("smallcases")
        newcomer.page.click(f"button[aria-label='Invest in {SMALLCASE}']")

        newcomer.checkout().close()

        expect(newcomer.page.locator("#sheet [role=alert]")).to_have_text(
            "You closed the checkout before choosing a broker.", timeout=PATIENCE
        )


class TestTheSandbox:
    def test_lets_a_user_fix_what_was_filled_in_part_and_pay_a_sip(self, newcomer: Newcomer) -> None:
        page = newcomer.page
        newcomer.look_at("smallcases")
        page.click("button[aria-label='Invest in Rent Day']")
        checkout = newcomer.log_in("partial")
        checkout.fill("#amount", "50,000")
        checkout.wait_for_selector("#sums dd:text-matches('^₹(49|50),')")
        newcomer.confirm(checkout, "Partly filled")
        newcomer.sheet_says("Partly filled")
        page.click("[data-tab=investments]")
        page.click("button[aria-label='Fix Rent Day']")
        newcomer.confirm(newcomer.log_in_again(), "Partly filled")
        newcomer.sheet_says("Partly filled")

        page.click("button[aria-label='Set up SIP of Rent Day']")
        checkout = newcomer.checkout()
        checkout.click("button[value='@connected']")
        checkout.fill("#amount", "5000")
        checkout.fill("#starts_on", f"{date.fromisoformat(checkout.input_value('#starts_on')) + timedelta(days=7)}")
        checkout.click("main button.main")
        page.route(INVESTMENTS, lambda _: None)  # no answer yet
        checkout.click(".acts .main")
        page.click("#sheet button.main")
        page.click("#open-sandbox")
        expect(page.locator("#sandbox button:text-is('To the next SIP')")).to_be_disabled(timeout=PATIENCE)
        page.unroute(INVESTMENTS)
        page.click("#sandbox button:has-text('To the SIP on')")
        expect(page.locator("[data-pending=SIP] p")).to_contain_text("Your SIP of ₹5,000 is due", timeout=PATIENCE)
        page.click("#sandbox button:text-is('Back to now')")
        expect(page.locator("#toasts")).to_contain_text("The clock has moved.")

        assert newcomer.complaints == []

    def test_moves_the_clock_and_the_hours(self, newcomer: Newcomer) -> None:
        newcomer.look_at("stocks")
        page = newcomer.page
        page.click("#open-sandbox")
        before = page.inner_text("#now")
        page.click("#sandbox button:text-is('+ 1 day')")
        expect(page.locator("#now")).not_to_have_text(before, timeout=PATIENCE)
        page.check("#sandbox input[value=closed]")
        expect(page.locator("#sandbox")).to_contain_text("The market is closed", timeout=PATIENCE)
        page.check("#sandbox input[value=always]")
        expect(page.locator("#sandbox")).to_contain_text("The market is open", timeout=PATIENCE)
        page.fill("#pin-ticker", "INFY")
        page.fill("#pin-price", "1500")
        page.click("#sandbox button:text-is('Pin')")
        expect(page.locator("#toasts")).to_contain_text("INFY is pinned at ₹1500.")
        page.click("#sandbox button:text-is('Back to now')")

        expect(page.locator("#toasts")).to_contain_text("The clock has moved.")
        assert newcomer.complaints == []

    def test_makes_a_broker_fail_and_lets_it_recover(self, newcomer: Newcomer) -> None:
        newcomer.look_at("stocks")
        page = newcomer.page
        page.click("#open-sandbox")
        expect(page.locator("#faults-on")).to_have_text("No faults at Zerodha.", timeout=PATIENCE)
        page.select_option("#fault-verb", "login")
        page.select_option("#fault-kind", "slow")
        page.fill("#fault-seconds", "0.5")
        page.click("#sandbox button:text-is('Set fault')")
        expect(page.locator("#faults-on")).to_have_text("Log in: Slow (0.5 s)", timeout=PATIENCE)
        page.select_option("#fault-broker", "groww")
        expect(page.locator("#faults-on")).to_have_text("No faults at Groww.", timeout=PATIENCE)
        page.select_option("#fault-broker", "kite")
        page.click("#sandbox button:text-is('Clear faults')")

        expect(page.locator("#faults-on")).to_have_text("No faults at Zerodha.", timeout=PATIENCE)
        assert newcomer.complaints == []


class TestEachTab:
    @pytest.mark.parametrize("tab", [*TABS, "sandbox"])
    @pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
    def test_has_no_violation_and_fits(
        self, chromium: Browser, site: Site, tab: str, width: int, scheme: Literal["light", "dark"]
    ) -> None:
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
        )
        newcomer = Newcomer(context.new_page(), site)
        newcomer.look_at("stocks" if tab == "sandbox" else tab)
        if tab == "sandbox":
            newcomer.page.click("#open-sandbox")
            newcomer.page.wait_for_selector("#faults-on li")
        newcomer.page.wait_for_load_state("networkidle")

        assert newcomer.violations() == []
        assert not newcomer.page.evaluate(WIDER)
        assert newcomer.page.locator("h1:visible").count() == 1
        context.close()
