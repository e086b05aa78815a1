"""Clients that send half a request and no more keep nobody waiting, and are cut off in the end."""

import gzip
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http.client import BadStatusLine, HTTPResponse

import pytest
import requests

from tests.partner import BASKET
from tests.processes.stack import Stack
from tests.processes.wire import DistantPartner

pytestmark = pytest.mark.servers

CLIENTS = 64
PROMPT = 1.0  # seconds, on a machine that runs other tests as well
CUT_OFF_WITHIN = 20.0  # seconds; head and body have 10 each
BODY = json.dumps({"intent": "TRANSACTION", "orderConfig": {"type": "SECURITIES", "securities": list(BASKET)}}).encode()


@pytest.fixture(scope="module")
def partner(running: Stack) -> DistantPartner:
    return running.partner("slow", webhook_url="http://127.0.0.1:9/")


@pytest.fixture
def connections(running: Stack) -> Iterator["Connections"]:
    with ExitStack() as all_of_them:
        yield Connections(running.port, all_of_them)


class Connections:
    def __init__(self, port: int, ending: ExitStack) -> None:
        self._port, self._ending = port, ending

    def send(self, sent: bytes) -> socket.socket:
        connection = self._ending.enter_context(socket.create_connection(("127.0.0.1", self._port), timeout=30))
        with suppress(ConnectionError):  # it may be answered, and closed, before all is sent
            connection.sendall(sent)
        return connection


@dataclass(frozen=True, slots=True)
class Served:
    stack: Stack
    partner: DistantPartner
    connections: Connections


@pytest.fixture
def served(running: Stack, partner: DistantPartner, connections: Connections) -> Served:
    return Served(running, partner, connections)


def head(partner: DistantPartner, path: str = "/gateway/slow/transaction", **more: str) -> bytes:
    """A POST's, without the empty line that ends it."""
    fields: Mapping[str, str] = {"Host": "127.0.0.1", "Content-Type": "application/json", **partner.headers(), **more}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), ""]
    return "\r\n".join(lines).encode()


def answer(connection: socket.socket) -> tuple[int, str | None]:
    """Status and errorType; (0, None) where the connection ends without a word."""
    response = HTTPResponse(connection, method="POST")
    try:
        response.begin()
    except (BadStatusLine, ConnectionError):  # RemoteDisconnected is one
        return 0, None
    body = response.read()
    return response.status, json.loads(body).get("errorType") if body else None


def send_without_end(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x" * 1024 * 1024)


def urllib_status(url: str, size: int, *, chunked: bool) -> int:
    pieces = (b"x" * 50_000 for _ in range(size // 50_000))
    body = pieces if chunked else b"x" * size
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=30)
    refused.value.close()
    return refused.value.code


def slowest(partner: DistantPartner, times: int = 20) -> float:
    """Seconds, of transactions created and looked at."""
    longest = 0.0
    for _ in range(times):
        began = time.monotonic()
        partner.details(partner.create())
        longest = max(longest, time.monotonic() - began)
    return longest


class TestSixtyFourHalfSent:
    def test_heads_and_bodies_keep_nobody_waiting_and_are_cut_off(
        self, partner: DistantPartner, connections: Connections
    ) -> None:
        usual = slowest(partner)
        began = time.monotonic()
        silent = [connections.send(b"") for _ in range(CLIENTS)]
        heads = [connections.send(head(partner)) for _ in range(CLIENTS)]
        bodies = [
            connections.send(head(partner, **{"Content-Length": str(len(BODY))}) + b"\r\n" + BODY[:50])
            for _ in range(CLIENTS)
        ]
        chunks = [
            connections.send(head(partner, **{"Transfer-Encoding": "chunked"}) + b"\r\n32\r\n" + BODY[:50])
            for _ in range(CLIENTS)
        ]
        console = [
            connections.send(head(partner, "/admin/login/", **{"Content-Length": "500"}) + b"\r\nx")
            for _ in range(CLIENTS)
        ]

        meanwhile = slowest(partner)

        ends = {name: {answer(one) for one in those} for name, those in
                {"silent": silent, "heads": heads, "bodies": bodies, "chunks": chunks}.items()}  # fmt: skip
        took = time.monotonic() - began
        print(
            f"Slowest answer {usual:.3f} s alone, {meanwhile:.3f} s beside {5 * CLIENTS} slow clients, "
            f"who were cut off after {took:.1f} s."
        )
        assert meanwhile < PROMPT
        assert took < CUT_OFF_WITHIN
        assert ends == {
            "silent": {(0, None)},
            "heads": {(0, None)},
            "bodies": {(408, "ValidationError")},
            "chunks": {(408, "ValidationError")},
        }
        assert len(console) == CLIENTS


class TestABodyThatIsNotAsItShouldBe:
    @pytest.mark.parametrize(
        ("more", "sent", "said"),
        [
            ({"Transfer-Encoding": "chunked"}, b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), (200, None)),
            (
                {"Transfer-Encoding": "chunked"},
                b"".join(b"1000\r\n%s\r\n" % (b"x" * 4096) for _ in range(64)) + b"0\r\n\r\n",
                (413, "PayloadTooLarge"),
            ),
            ({"Content-Length": "99999999999"}, BODY, (413, "PayloadTooLarge")),
            ({"Content-Length": "5"}, BODY, (400, "ValidationError")),
            ({"Content-Length": "-1"}, BODY, (400, None)),
            ({"Content-Length": "5\r\nContent-Length: 6"}, BODY, (400, None)),
            (
                {"Content-Length": str(len(gzip.compress(BODY))), "Content-Encoding": "gzip"},
                gzip.compress(BODY),
                (415, "UnsupportedMediaType"),
            ),
            ({"Content-Length": "60000"}, b"[" * 30_000 + b"]" * 30_000, (400, "ValidationError")),
            ({"Content-Length": str(len(BODY)), "X-Long": "x" * 1_000_000}, BODY, (431, None)),
            ({"Content-Length": str(len(BODY)), **{f"X-{n}": "1" for n in range(200)}}, BODY, (431, None)),
        ],
        ids=[
            "chunked",
            "chunked and large",
            "long",
            "short",
            "negative",
            "told twice",
            "gzip",
            "deep",
            "head",
            "heads",
        ],
    )
    def test_is_read_or_refused(
        self,
        served: "Served",
        more: dict[str, str],
        sent: bytes,
        said: tuple[int, str | None],
    ) -> None:
        before = made(served.stack)

        assert answer(served.connections.send(head(served.partner, **more) + b"\r\n" + sent)) == said

        assert made(served.stack) - before == (1 if said[0] == 200 else 0)
        assert "Traceback" not in served.stack.processes.log.read_text()

    @pytest.mark.parametrize("size", [60_000, 100_000, 2_000_000, 8_000_000])
    @pytest.mark.parametrize("chunked", [False, True], ids=["whole", "in chunks"])
    def test_is_answered_to_a_client_that_sends_everything_first(
        self, running: Stack, size: int, chunked: bool
    ) -> None:
        """Python's urllib reads nothing until all is sent: a connection closed before that is a broken pipe."""
        refused = {
            "/gateway/slow/transaction": 401,
            "/checkout/slow/sessions": 403,
            "/nothing": 404,
            "/healthz": 405,
            "/admin/login/": 403,
        }
        large = {path: 413 for path in refused if size > 65_536 and (path != "/admin/login/" or size > 5 * 1024 * 1024)}

        told = {path: urllib_status(f"{running.base}{path}", size, chunked=chunked) for path in refused}

        assert told == refused | large

    def test_is_refused_before_it_is_sent_where_the_client_asks_first(self, served: "Served") -> None:
        asking = head(served.partner, **{"Content-Length": "2000000", "Expect": "100-continue"}) + b"\r\n"

        assert answer(served.connections.send(asking)) == (413, "PayloadTooLarge")

    def test_of_no_end_is_read_for_a_while_and_answered_at_once(self, served: "Served") -> None:
        began = time.monotonic()
        connection = served.connections.send(head(served.partner, **{"Content-Length": "99999999999"}) + b"\r\n")

        assert answer(connection) == (413, "PayloadTooLarge")
        assert time.monotonic() - began < PROMPT * 5
        with pytest.raises(ConnectionError):
            send_without_end(connection)

    def test_is_not_carried_out_when_its_client_goes_away(
        self, running: Stack, partner: DistantPartner, connections: Connections
    ) -> None:
        before = made(running)

        for _ in range(20):
            connections.send(head(partner, **{"Content-Length": "9999"}) + b"\r\n" + BODY).close()
        slowest(partner, times=1)

        assert made(running) == before + 1
        assert "Traceback" not in running.processes.log.read_text()

    def test_of_a_url_is_refused(self, running: Stack) -> None:
        assert requests.get(f"{running.base}/healthz?{'x' * 70_000}", timeout=10).status_code == 414


class TestAHeaderWithAnUnderscore:
    def test_does_not_pass_for_one_with_a_hyphen(self, running: Stack, partner: DistantPartner) -> None:
        headers = partner.headers()
        disguised = {"x_gateway_secret": headers.pop("x-gateway-secret"), **headers}

        answer = requests.get(f"{running.base}/sandbox/slow/market", headers=disguised, timeout=10)

        assert answer.json()["errors"] == ["The header x-gateway-secret is missing."]


class TestADatabaseThatIsLocked:
    def test_is_waited_for_a_moment_and_then_told_of(self, running: Stack, partner: DistantPartner) -> None:
        with running.locked("transactions_transaction"):
            began = time.monotonic()
            refused = partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"})
            took = time.monotonic() - began

        assert (refused.status, refused.error_type) == (503, "ServiceUnavailable")
        assert refused.errors == ["The database is busy; try again."]
        assert refused.headers["retry-after"] == "5"
        assert 4 < took < 8
        assert partner.call("POST", "/gateway/{gateway}/transaction", {"intent": "CONNECT"}).status == 200


def made(stack: Stack) -> int:
    return int(stack.ask("SELECT count(*) FROM transactions_transaction")[0][0])
