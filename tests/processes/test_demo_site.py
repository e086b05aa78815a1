"""The demo site beside a real `manage.py up`; and the JavaScript that it shows, run against that gateway."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from shop.snippets import NODE
from tests import programs
from tests.processes.stack import Processes, bare_environment, manage
from tests.processes.test_embedded import members, read
from tests.processes.waiting import until
from tests.processes.wire import DistantPartner
from tests.servers import free_port

SERVES_WITHIN: Final = 60
SECRET: Final = re.compile(rb"SHOP_(?:API_SECRET|JWT_SECRET|WEBHOOK_SECRETS|MANAGER_TOKEN)=([^\0]+)")
RUN: Final = """
import * as shop from {module};
const [partner, name, ...given] = JSON.parse((await import("node:fs")).readFileSync(0, "utf8"));
try {{ console.log(JSON.stringify({{ done: (await shop[name](partner, ...given)) ?? null }})); }}
catch (error) {{ console.log(JSON.stringify({{ failed: error.message }})); }}
"""


class Up:
    def __init__(self, directory: Path, processes: Processes) -> None:
        self.port, self.demo_port, self.processes = free_port(), free_port(), processes
        self.directory, self.environment = directory, processes.environment
        self.environment["DEMO_PORT"] = str(self.demo_port)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def shop(self) -> str:
        return f"http://127.0.0.1:{self.demo_port}"

    def start(self, *flags: str) -> None:
        before = self.processes.log.read_text().count("Serving http") if self.processes.log.exists() else 0
        self.processes.start("up", [sys.executable, "manage.py", "up", "--port", str(self.port), *flags])
        until(
            lambda: self.processes.log.read_text().count("Serving http") > before, seconds=SERVES_WITHIN, what="serving"
        )

    def stop(self) -> None:
        process = self.processes.running["up"]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0

    def asks(self, session: requests.Session, path: str) -> Any:
        until(lambda: self._answers(path), what="a demo site")
        return session.get(self.shop + path, timeout=10)

    def _answers(self, path: str) -> bool:
        try:
            return requests.get(self.shop + path, timeout=10).status_code == 200
        except requests.ConnectionError:
            return False


@pytest.fixture(scope="module")
def up(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    directory = tmp_path_factory.mktemp("demo")
    shutil.copytree(first_start, directory, dirs_exist_ok=True)
    environment = bare_environment(VAR_DIR=str(directory), PYTHONUNBUFFERED="1")
    with Processes(environment, directory / "log") as processes:
        made = Up(directory, processes)
        made.start()
        yield made


@pytest.fixture(scope="module")
def partner(up: Up) -> DistantPartner:
    made = json.loads(manage("create_gateway", "acme", "--json", environment=up.environment))
    return DistantPartner("acme", made["apiSecret"], made["jwtSecret"], base=up.base)


def in_node(partner: DistantPartner, name: str, *given: Any) -> Any:
    held = {
        "name": partner.name,
        "url": partner.base,
        "apiSecret": partner.api_secret,
        "jwtSecret": partner.jwt_secret,
    }
    told = json.dumps([held, name, *given])
    program = RUN.format(module=json.dumps(NODE.as_uri()))
    command = [programs.NODE, "--input-type=module", "--eval", program]
    ran = subprocess.run(command, input=told, capture_output=True, check=True, text=True, timeout=60)
    return json.loads(ran.stdout)


class TestTheJavaScriptShown:
    def test_takes_a_smallcase_from_its_purchase_to_its_exit(self, up: Up, partner: DistantPartner) -> None:
        listed = in_node(partner, "smallcases")["done"]
        made = in_node(partner, "buySmallcase", listed[0]["scid"])["done"]
        response = partner.complete(made["transactionId"], "happy", wait=20, amount=100_000).data
        auth_id = in_node(partner, "authIdIn", response["smallcaseAuthToken"])["done"]

        (held,) = in_node(partner, "investments", auth_id)["done"]["investments"]
        going = in_node(partner, "orderOn", "EXIT", held["investment"]["iscid"], auth_id)["done"]
        partner.complete(going["transactionId"], "happy", wait=20)

        after = in_node(partner, "investments", auth_id)["done"]
        assert (held["investment"]["scid"], len(listed)) == (listed[0]["scid"], 27)
        assert (after["investments"], [one["iscid"] for one in after["exited"]]) == ([], [response["iscid"]])

    def test_buys_a_basket(self, up: Up, partner: DistantPartner) -> None:
        made = in_node(partner, "buyBasket", [{"ticker": "INFY", "quantity": 3, "type": "BUY"}])["done"]

        details = partner.details(made["transactionId"])

        assert details["orderConfig"]["securities"] == [{"ticker": "INFY", "quantity": 3, "type": "BUY"}]

    def test_passes_on_what_the_gateway_refuses(self, up: Up, partner: DistantPartner) -> None:
        told = in_node(partner, "buyBasket", [{"ticker": "NOWHERE", "quantity": 3, "type": "BUY"}])

        assert told["failed"].startswith("ValidationError: ")

    def test_believes_no_token_of_anybody_else(self, up: Up, partner: DistantPartner) -> None:
        other = DistantPartner("acme", partner.api_secret, "x" * 43, base=up.base)
        mine = in_node(partner, "tokenFor", "a" * 24)["done"]

        assert in_node(partner, "authIdIn", mine) == {"done": "a" * 24}
        assert in_node(other, "authIdIn", mine) == {"failed": "this token is none that the gateway has signed"}


class TestTheSiteBesideUp:
    def test_leaves_its_secrets_out_of_command_lines_and_files(self, up: Up) -> None:
        up.asks(requests.Session(), "/")
        processes = members(str(up.directory))
        (told, *_) = [found for pid in processes if (found := SECRET.findall(read(Path(f"/proc/{pid}/environ"))))]

        kept = [path for path in up.directory.rglob("*") if path.is_file()]
        lines = [read(Path(f"/proc/{pid}/cmdline")) for pid in processes]

        assert len(told) == 4
        assert [secret for secret in told if any(secret in line for line in lines)] == []
        assert [path for path in kept if any(secret in read(path) for secret in told)] == []
        assert {path.stat().st_mode & 0o077 for path in kept if path.name.startswith("demo-site")} == {0}

    def test_answers_while_others_never_finish_what_they_send(self, up: Up) -> None:
        up.asks(requests.Session(), "/")
        head = f"POST /webhooks HTTP/1.1\r\nHost: 127.0.0.1:{up.demo_port}\r\nContent-Length: 1000\r\n\r\n{{"
        with ExitStack() as open_ones:
            for _ in range(24):
                one = open_ones.enter_context(socket.create_connection(("127.0.0.1", up.demo_port)))
                one.sendall(head.encode())

            assert requests.get(f"{up.shop}/api/me", timeout=5).status_code == 200

    def test_takes_no_more_of_a_body_than_64_kib(self, up: Up) -> None:
        up.asks(requests.Session(), "/")

        assert requests.post(f"{up.shop}/webhooks", data=b"x" * 5_000_000, timeout=10).status_code == 413

    def test_finds_its_gateway_again_after_a_restart(self, up: Up) -> None:
        session = requests.Session()
        up.asks(session, "/")
        before = up.asks(session, "/api/me").json()
        up.stop()

        up.start()

        after = up.asks(session, "/api/me").json()
        listed = up.asks(session, "/api/smallcases").json()
        named = manage("shell", "-c", "from gateway.models import Gateway; print(*Gateway.objects.all())",
                       environment=up.environment)  # fmt: skip
        assert (before["gateway"], after["gateway"], len(listed)) == ("demo-site", "demo-site", 27)
        assert named.split().count("demo-site") == 1
        assert requests.get(f"{up.base}/demo/", timeout=10, allow_redirects=False).headers["location"] == f"{up.shop}/"

    def test_is_nowhere_with_no_demo(self, up: Up) -> None:
        up.stop()

        up.start("--no-demo")

        assert requests.get(f"{up.base}/demo/", timeout=10).status_code == 404
        with pytest.raises(requests.ConnectionError):
            requests.get(up.shop, timeout=5)
