"""The embedded default with orders in ERROR, and five console users."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.people import PEOPLE, Person, desktop, make_people
from tests.processes.stack import Processes, bare_environment, create_partner, manage
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.servers import free_port

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

    def book(self, client: str = "") -> list[str]:
        """Lines of the broker's tradebook of one client or of all, the header first."""
        named = ["--client", client] if client else []
        return manage("tradebook", "kite", *named, environment=self.environment).splitlines()


@pytest.fixture(scope="package")
def site(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory, port = tmp_path_factory.mktemp("desk"), free_port()
    shutil.copytree(first_start, directory, dirs_exist_ok=True)
    environment = bare_environment(VAR_DIR=str(directory), PYTHONUNBUFFERED="1", UNREPORTED_LIMIT_TEST_SECONDS="1")
    with Processes(environment, directory / "log") as processes:
        processes.start("up", [sys.executable, "manage.py", "up", "--port", str(port), "--workers", "1", "--no-demo"])
        until(lambda: "Console login" in processes.log.read_text(), seconds=60, what="serving")
        make_people(environment)
        base = f"http://127.0.0.1:{port}"
        partner = create_partner("seen", webhook_url="http://127.0.0.1:9/", base=base, environment=environment)
        yield Site(base, partner, environment)


def _of(name: str) -> Any:
    @pytest.fixture(name=name)
    def person(chromium: Browser, site: Site) -> Iterator[Person]:
        made = Person(desktop(chromium), site.base, name)
        yield made
        made.leaves()

    return person


asha, ravi, meera, kiran, noor = map(_of, PEOPLE)
