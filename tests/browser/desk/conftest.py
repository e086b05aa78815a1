"""The embedded default with lost orders in it, two people of support, and Chromium."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.processes.stack import Processes, bare_environment, create_partner, manage
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.servers import free_port

PEOPLE: Final = ("asha", "ravi")
PASSWORD: Final = "four eyes see more"
DESK: Final = "/admin/transactions/settlement/desk/"
MAKE_PEOPLE: Final = f"""
from django.contrib.auth.models import Permission, User
wanted = ("reconcile_order", "approve_settlement", "mark_complete", "view_order", "view_batch", "view_event")
for name in {PEOPLE}:
    user = User.objects.create_user(name, password="{PASSWORD}", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
"""
_clients = count(1)


@dataclass(frozen=True, slots=True)
class Site:
    base: str
    partner: DistantPartner
    environment: dict[str, str]

    def lost(self) -> str:
        """Plays a basket whose last order is lost; its client."""
        client = f"lost-contact-{next(_clients)}"
        made = self.partner.create([{"ticker": t, "quantity": 10, "type": "BUY"} for t in ("INFY", "TCS")])
        assert self.partner.complete(made, client, wait=25).status == 200
        return client

    def book(self, client: str) -> list[str]:
        """Lines of the broker's tradebook of one client, the header first."""
        return manage("tradebook", "kite", "--client", client, environment=self.environment).splitlines()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory, port = tmp_path_factory.mktemp("desk"), free_port()
    environment = bare_environment(VAR_DIR=str(directory), PYTHONUNBUFFERED="1", PATIENCE_TEST_SECONDS="1")
    with Processes(environment, directory / "log") as processes:
        processes.start("up", [sys.executable, "manage.py", "up", "--port", str(port)])
        until(lambda: "Console login" in processes.log.read_text(), seconds=60, what="serving")
        manage("shell", "-c", MAKE_PEOPLE, environment=environment)
        base = f"http://127.0.0.1:{port}"
        partner = create_partner("seen", webhook_url="http://127.0.0.1:9/", base=base, environment=environment)
        yield Site(base, partner, environment)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("NOT LOOKED AT: there is no chromium on this machine (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])


class Person:
    """Logged in, at a browser of their own. `complaints` are the browser's."""

    def __init__(self, browser: Browser, site: Site, name: str) -> None:
        self.site, self.complaints = site, list[str]()
        self.page: Page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self.note)
        self.go("/admin/")
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", PASSWORD)
        self.page.click("input[type=submit]")
        self.page.wait_for_selector("#user-tools")

    def note(self, message: ConsoleMessage) -> None:
        is_favicon = message.location["url"].endswith("/favicon.ico")  # which browsers ask for unasked
        if message.type == "error" and not is_favicon:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def go(self, path: str) -> None:
        self.page.goto(self.site.base + path)

    def reads(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def opens_order_of(self, client: str) -> None:
        """The lost one, by the queue."""
        self.go(DESK)
        self.page.locator("tr", has_text=client).get_by_role("link").first.click()
        self.page.wait_for_selector("#asked")


@pytest.fixture
def asha(chromium: Browser, site: Site) -> Iterator[Person]:
    person = Person(chromium, site, "asha")
    yield person
    person.page.context.close()
    assert person.complaints == []


@pytest.fixture
def ravi(chromium: Browser, site: Site) -> Iterator[Person]:
    person = Person(chromium, site, "ravi")
    yield person
    person.page.context.close()
    assert person.complaints == []
