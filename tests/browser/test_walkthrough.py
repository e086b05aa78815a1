"""The steps of docs/reconciliation.md, “Try it”: demo, gateway, one order by hand, three by tradebook."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from tests.browser.people import DESK, Person, desktop
from tests.processes.stack import Processes, bare_environment, manage
from tests.processes.waiting import until
from tests.servers import ROOT, free_port

BY_HAND = "lost-contact-devi"
BY_TRADEBOOK = ["lost-contact", "lost-contact-imran", "lost-contact-leela"]
WAITING = re.compile(r"(\d+) orders wait at the reconciliation desk")


@dataclass(frozen=True, slots=True)
class Told:
    """`first` is what the demo printed before anything ran."""

    first: str
    port: int
    password: str
    environment: dict[str, str]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def demo(port: int, environment: dict[str, str]) -> str:
    command = [sys.executable, "manage.py", "demo", "--port", str(port)]
    done = subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    directory, port = tmp_path_factory.mktemp("walk"), free_port()
    environment = bare_environment(VAR_DIR=str(directory), PYTHONUNBUFFERED="1", COLUMNS="120")
    first = demo(port, environment)
    with Processes(environment, directory / "log") as processes:
        processes.start("up", [sys.executable, "manage.py", "up", "--port", str(port), "--workers", "1"])
        until(lambda: "Console login" in processes.log.read_text(), seconds=60, what="serving")
        (words,) = [line for line in processes.log.read_text().splitlines() if line.startswith("Console login")]
        yield Told(first, port, words.rpartition(" / ")[2].strip(), environment)


def first_transaction(port: int) -> str:
    """The block of the README, for the gateway on `port`."""
    (block,) = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return str(block).replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace(".venv/bin/python", sys.executable)


@pytest.fixture
def admin(chromium: Browser, told: Told) -> Iterator[Person]:
    person = Person(desktop(chromium), told.base, "admin", told.password)
    yield person
    person.leaves()


def waiting(admin: Person) -> list[str]:
    """The clients at the desk."""
    admin.go(DESK)
    return sorted(admin.page.locator("section[aria-labelledby=lost] tbody td:nth-child(6)").all_inner_texts())


def evidence(admin: Person) -> dict[str, str]:
    """The line of the broker's book, as the order's page offers it, that names the order."""
    ref = admin.page.locator("section[aria-labelledby=asked] code").inner_text()
    with admin.page.expect_download() as downloaded:
        admin.page.get_by_role("link", name="zerodha").click()
    lines = csv.DictReader(io.StringIO(downloaded.value.path().read_text()))
    (line,) = [line for line in lines if line["order_ref"] == ref]
    return line


class TestANewcomer:
    def test_settles_what_the_demo_has_left(self, told: Told, admin: Person) -> None:
        assert WAITING.findall(told.first) == ["4"]
        assert waiting(admin) == sorted([BY_HAND, *BY_TRADEBOOK])

        admin.opens_order_of(BY_HAND)
        admin.presses("Check with broker")
        admin.reads("Checking with the broker.")
        line = evidence(admin)
        admin.settles(
            status="COMPLETE",
            shares=int(float(line["quantity"])),
            price=line["price"],
            number=line["order_id"],
            reason="The broker's tradebook has it.",
        )
        admin.presses("Confirm")
        admin.reads("Corrected.")
        assert waiting(admin) == BY_TRADEBOOK

        admin.uploads(manage("tradebook", "kite", environment=told.environment))
        assert admin.page.locator("a[href='?verdict=exact%20match'] b").inner_text() == "3"
        admin.presses("Apply all exact matches")
        until(lambda: admin.page.locator("td", has_text="applied").count() == 3, what="applied")
        admin.go(DESK)
        admin.reads("No orders with an unknown outcome.")

        assert "unbroken" in manage("verify_audit", environment=told.environment)

    def test_may_have_it_told_again_beside_a_running_gateway(self, told: Told, admin: Person) -> None:
        before = len(waiting(admin))

        again = demo(told.port, told.environment)

        assert WAITING.findall(again) == [str(before + 4)]
        assert len(waiting(admin)) == before + 4


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_first_transaction_of_the_readme_fills_in_part(told: Told) -> None:
    block = ["sh", "-c", first_transaction(told.port)]
    done = subprocess.run(block, check=True, cwd=ROOT, env=told.environment, capture_output=True, text=True, timeout=60)

    (batch,) = json.loads(done.stdout)["data"]["orderBatches"]
    assert batch["status"] == "PARTIALLYFILLED"
    assert [order["status"] for order in batch["orders"]] == ["PARTIAL", "COMPLETE"]
