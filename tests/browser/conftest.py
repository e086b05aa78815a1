"""The embedded default with a basket in it, and a browser to look at it with."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser.chromium import CHROMIUM, NOT_LOOKED_AT, running
from tests.processes.stack import Processes, bare_environment, create_partner
from tests.processes.waiting import until
from tests.servers import free_port

WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
LOST = 3  # orders in ERROR: one for each walk that settles one, and one that stays


@dataclass(frozen=True, slots=True)
class Site:
    """`password` is the first operator's, as `manage.py up` printed it."""

    base: str
    password: str


@dataclass
class Visitor:
    """A page, and what the browser complained about on it."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        is_favicon = message.location["url"].endswith("/favicon.ico")  # which browsers ask for unasked
        if message.type in {"error", "warning"} and not is_favicon:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def resize(self, device: str) -> None:
        width, height = WIDTHS[device]
        self.page.set_viewport_size({"width": width, "height": height})

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """For all tests below this folder; `make test` has installed one before, where that is possible."""
    program = CHROMIUM.found()
    if program is None:
        pytest.skip(NOT_LOOKED_AT)
    with running(program) as browser:
        yield browser


@pytest.fixture(scope="package")
def site(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory, port = tmp_path_factory.mktemp("site"), free_port()
    shutil.copytree(first_start, directory, dirs_exist_ok=True)
    environment = bare_environment(VAR_DIR=str(directory), PYTHONUNBUFFERED="1", UNREPORTED_LIMIT_TEST_SECONDS="1")
    with Processes(environment, directory / "log") as processes:
        processes.start("up", [sys.executable, "manage.py", "up", "--port", str(port), "--workers", "1", "--no-demo"])
        until(lambda: "Console login" in processes.log.read_text(), seconds=60, what="serving")
        base = f"http://127.0.0.1:{port}"
        partner = create_partner("seen", webhook_url="http://127.0.0.1:9/", base=base, environment=environment)
        assert partner.complete(partner.create(), "partial", wait=20).status == 200
        bought = partner.create_smallcase("BUY", scid="SCNM_0011")
        assert partner.complete(bought, wait=20, amount=100_000).status == 200
        for number in range(LOST):
            assert partner.complete(partner.create(), f"lost-contact-{number}", wait=20).status == 200
        (words,) = [line for line in processes.log.read_text().splitlines() if line.startswith("Console login")]
        yield Site(base, words.rpartition(" / ")[2].strip())


@pytest.fixture
def person(chromium: Browser, site: Site) -> Iterator[Visitor]:
    """At a desk, with nothing typed yet."""
    width, height = WIDTHS["desktop"]
    context = chromium.new_context(viewport={"width": width, "height": height})
    made = Visitor(context.new_page(), site.base)
    made.page.on("console", made.note)
    made.page.on("pageerror", lambda error: made.complaints.append(f"{made.page.url}: {error}"))
    yield made
    context.close()
