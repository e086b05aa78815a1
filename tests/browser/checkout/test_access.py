"""Every screen for everybody: no violation that axe-core finds, no mouse needed, little to load, nothing that jumps."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, Response, ViewportSize

from tests.browser.checkout.conftest import PATIENCE, Site, headline
from tests.browser.checkout.walking import INFY, STATES, TCS, Walker
from tests.processes.wire import DistantPartner

# Vendored for the tests alone, with its licence (MPL-2.0); nothing of it is served.
AXE: Final = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
RUN_AXE: Final = "() => axe.run({resultTypes: ['violations']}).then(found => found.violations)"
SHIFTS: Final = """() => new Promise(done => {
    let sum = 0; const seen = new PerformanceObserver(list => list.getEntries().forEach(one => { sum += one.value }));
    seen.observe({type: "layout-shift", buffered: true}); setTimeout(() => done(sum), 300)
})"""
FOCUSED: Final = """() => {
    const at = document.activeElement, ring = getComputedStyle(at);
    return {label: (at.getAttribute("aria-label") || at.innerText || at.name || at.tagName).trim().split("\\n").pop(),
            name: at.name || at.id || "", tag: at.tagName,
            ringed: ring.outlineStyle !== "none" && parseFloat(ring.outlineWidth) >= 2}
}"""
WIDER: Final = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
BUDGET: Final = 60_000  # bytes, before compression
PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=PHONE, color_scheme="light", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


@pytest.fixture
def walker(page: Page, site: Site, partner: DistantPartner) -> Walker:
    return Walker(page, site, partner)


class TestEveryScreen:
    @pytest.mark.parametrize("state", STATES)
    def test_has_no_violation_and_fits(self, walker: Walker, state: str) -> None:
        STATES[state](walker)

        self.check(walker.page)
        walker.page.emulate_media(color_scheme="dark")
        walker.page.set_viewport_size(DESKTOP)
        self.check(walker.page)

    def check(self, page: Page) -> None:
        if not page.evaluate("() => 'axe' in window"):
            page.evaluate(AXE.read_text())
        found = page.evaluate(RUN_AXE)
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
        assert not page.evaluate(WIDER)
        assert page.locator("h1").count() == 1


class Keyboard:
    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, *, label: str = "", name: str = "") -> None:
        """By Tab alone; wherever it stops, the focus can be seen."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            at: dict[str, Any] = self.page.evaluate(FOCUSED)
            assert at["ringed"] or at["tag"] == "BODY", at
            if (label and at["label"] == label) or (name and at["name"] == name):
                return
        raise AssertionError(f"Tab never reaches {label or name}.")

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)


class TestTheKeyboard:
    def test_is_enough_for_the_whole_way(self, walker: Walker) -> None:
        walker.visit(walker.partner.create([{"ticker": "INFY"}]))
        keys = Keyboard(walker.page)

        keys.reach(label="Zerodha" if walker.page.locator("text=Limit orders").count() == 0 else "Upstox")
        keys.press("Enter")
        walker.page.wait_for_selector("#pin")
        keys.reach(name="client_id")
        keys.type("happy-keys")
        keys.reach(name="pin")
        keys.type("1234")
        keys.press("Enter")
        walker.page.wait_for_selector("#sums")
        keys.reach(name="side-INFY")
        keys.press("Space")
        keys.reach(name="quantity-INFY")
        keys.press("Control+A")
        keys.type("4")
        walker.page.wait_for_selector("#orders :text('4 shares')")
        keys.reach(label="Place order")
        keys.press("Enter")
        headline(walker.page, "Orders filled")
        keys.reach(label=f"Back to {walker.partner.name}")
        keys.press("Enter")

        walker.page.wait_for_selector("h1:text-is('You can close this window')")

    def test_begins_with_a_way_past_the_header(self, walker: Walker) -> None:
        walker.basket()
        keys = Keyboard(walker.page)

        keys.reach(label="Skip to the content")
        keys.press("Enter")

        assert walker.page.evaluate("document.activeElement.id") == "main"


class TestTheFirstScreen:
    @pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
    def test_is_small_and_holds_still(self, walker: Walker, size: ViewportSize) -> None:
        walker.page.set_viewport_size(size)
        loaded: list[Response] = []

        def note(answer: Response) -> None:
            loaded.append(answer)

        walker.page.on("response", note)

        walker.basket(INFY, TCS)
        walker.page.wait_for_load_state("networkidle")

        sizes = {answer.url.rsplit("/", 1)[-1]: len(answer.body()) for answer in loaded}
        assert sum(sizes.values()) < BUDGET, json.dumps(sizes)
        assert {answer.url.split("/")[2] for answer in loaded} == {walker.site.base.split("/")[2]}
        assert walker.page.evaluate(SHIFTS) == 0

    def test_is_not_the_only_one_to_hold_still(self, walker: Walker) -> None:
        walker.basket(INFY, TCS)
        walker.log_in()
        walker.page.wait_for_selector("#sums")

        assert walker.page.evaluate(SHIFTS) == 0


class TestWithoutJavascript:
    def test_everything_works_to_the_end(self, chromium: Browser, site: Site, partner: DistantPartner) -> None:
        context = chromium.new_context(java_script_enabled=False)
        context.set_default_timeout(PATIENCE)
        walker = Walker(context.new_page(), site, partner)
        walker.visit(partner.create([{"ticker": "INFY", "type": "BUY"}]))
        walker.page.fill("#q", "zero")
        walker.page.click(".search button")
        assert walker.page.locator("#brokers li:visible").count() == 1
        walker.log_in()
        walker.page.fill("input[name=quantity-INFY]", "3")
        walker.page.click("text=Update")
        assert "3 shares" in walker.page.inner_text("#orders")
        walker.confirm()
        headline(walker.page, "Orders filled")
        walker.page.click(".acts .main")

        assert walker.page.inner_text("h1") == "You can close this window"
        context.close()
