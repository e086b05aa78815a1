"""The embedded default, a partner's page on another origin, and Chromium between them."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from gateway.values.tokens import connected_token, guest_token
from tests.browser.checkout.partner_page import PartnerSite
from tests.processes.stack import Processes, bare_environment, manage
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.servers import free_port

Json = dict[str, Any]
PATIENCE: Final = 20_000.0  # ms; the machine may be busy with other tests
ARRIVED: Final = "body:not(.plain) main"  # not the waiting page
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Site:
    """The gateway, and the partner's pages: `shop` is an allowed origin, `stranger` none; `demo` is the demo site."""

    base: str
    shop: PartnerSite
    stranger: PartnerSite
    environment: dict[str, str]
    demo: str = ""

    def partner(self, name: str = "") -> DistantPartner:
        """A test gateway of its own, so that its clock, hours and prices are nobody else's."""
        name = name or f"shop-{next(_numbers)}"
        made = json.loads(
            manage("create_gateway", name, "--json", "--allowed-origin", self.shop.origin, environment=self.environment)
        )
        return DistantPartner(name, made["apiSecret"], made["jwtSecret"], base=self.base)


@dataclass
class User:
    """A person at the partner's page. `complaints`: what the browser's console said on any page."""

    context: BrowserContext
    site: Site
    partner: DistantPartner
    page: Page
    complaints: list[str] = field(default_factory=list)

    def arrive(
        self, transaction_id: str, *, auth_id: str | None = None, at: str = "", unasked: bool = False, **config: Any
    ) -> None:
        """At the partner's page, with nothing clicked yet."""
        brokers = config.pop("brokers", None)
        secret = self.partner.jwt_secret
        token = connected_token(secret, auth_id=auth_id) if auth_id else guest_token(secret)
        setup = {
            "options": {"gateway": self.partner.name, "smallcaseAuthToken": token, "config": config},
            "trigger": {"transactionId": transaction_id, **({"brokers": brokers} if brokers else {})},
            "unasked": unasked,
        }
        self.page.add_init_script(f"window.setup = {json.dumps(setup)}")
        self.page.goto(at or self.site.shop.origin)

    def open(self, transaction_id: str, **more: Any) -> Page:
        """The popup, at its first screen."""
        self.arrive(transaction_id, **more)
        with self.page.expect_popup() as popup:
            self.page.click("#go")
        checkout = popup.value
        checkout.wait_for_selector(ARRIVED, timeout=PATIENCE)
        return checkout

    def result(self, name: str = "result") -> Json:
        """What the promise came to: {"done": response} or {"failed": {code, message, data}}."""
        return dict(self.page.wait_for_function(f"window.{name}", timeout=PATIENCE).json_value())

    def rejection(self, name: str = "result") -> tuple[int, str]:
        failed = self.result(name)["failed"]
        return failed["code"], failed["message"]

    def response(self) -> Json:
        result = self.result()
        assert "done" in result, result
        return dict(result["done"])

    def log_in(self, checkout: Page, account: str = "happy", *, broker: str = "kite") -> None:
        checkout.click(f"button[name=broker][value={broker}]")
        checkout.click(f"button[name=account][value={account}]")
        checkout.wait_for_selector("#sums, [data-headline], .center", timeout=PATIENCE)

    def confirm(self, checkout: Page) -> None:
        checkout.click("#sums .main[value=confirm]")
        checkout.wait_for_selector("[data-headline]", timeout=PATIENCE)

    def watch(self, page: Page) -> None:
        page.on("console", lambda said: self._note(page, said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))

    def _note(self, page: Page, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(f"{page.url}: {text}")


def headline(checkout: Page, text: str) -> None:
    """Waits until the status page says so, by itself."""
    checkout.wait_for_selector(f"[data-headline]:text-is('{text}')", timeout=PATIENCE)


@contextmanager
def serving(directory: Path) -> Iterator[Site]:
    """`manage.py up` with its state in `directory`, and two partners' pages."""
    port, demo_port = free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    environment = bare_environment(VAR_DIR=str(directory), PYTHONUNBUFFERED="1", DEMO_PORT=str(demo_port))
    with Processes(environment, directory / "log") as processes, PartnerSite(base) as shop, PartnerSite(base) as other:
        processes.start("up", [sys.executable, "manage.py", "up", "--port", str(port), "--workers", "1"])
        until(lambda: "Console login" in processes.log.read_text(), seconds=90, what="serving")
        yield Site(base, shop, other, environment, f"http://127.0.0.1:{demo_port}")


@pytest.fixture(scope="package")
def site(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("checkout")
    shutil.copytree(first_start, directory, dirs_exist_ok=True)
    with serving(directory) as made:
        yield made


@pytest.fixture(scope="module")
def partner(site: Site) -> DistantPartner:
    """Always open, clock never moved: for tests that leave it as it is."""
    return site.partner()


@pytest.fixture
def own_partner(site: Site) -> DistantPartner:
    """For tests that move its clock, its prices or its hours."""
    return site.partner()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport={"width": 1280, "height": 800})
    made.set_default_timeout(PATIENCE)
    yield made
    made.close()


@pytest.fixture
def user(context: BrowserContext, site: Site, partner: DistantPartner) -> User:
    return _user(context, site, partner)


@pytest.fixture
def own_user(context: BrowserContext, site: Site, own_partner: DistantPartner) -> User:
    return _user(context, site, own_partner)


def _user(context: BrowserContext, site: Site, partner: DistantPartner) -> User:
    made = User(context, site, partner, context.new_page())
    context.on("page", made.watch)
    made.watch(made.page)
    return made
