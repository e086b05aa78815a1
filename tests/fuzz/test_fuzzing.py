"""The fuzzer itself: it makes the same requests again, and what it should find it finds."""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.fuzz.hostile import KINDS, Make, hostile
from tests.fuzz.known import Known
from tests.fuzz.ledger import Finding, Ledger
from tests.fuzz.wire import exchange
from tests.servers import ROOT

KNOWN: Final = Known(
    host="127.0.0.1",
    port=1,
    api_secret="a" * 43,
    guest="g",
    user="u",
    manager="Token m",
    cookie="sessionid=s",
    ids={
        "gateway": "demo",
        "iscid": "1" * 24,
        "batch_id": "0" * 24,
        "scid": "SCNM_0011",
        "event_id": "e",
        "endpoint_id": "p",
    },
    endpoints=(("GET", "/v1/{gateway}/engine/smallcases"), ("POST", "/gateway/{gateway}/transaction")),
    fields=("intent", "orderConfig"),
    queries=("transactionId", "count"),
    pages=("/admin/gateway/gateway/",),
)
ENVELOPE: Final = b'{"success": false, "errors": ["x"], "errorType": "NotFound", "data": null}'
OURS: Final = b"Request-Id: 12345678\r\nContent-Type: application/json\r\n"


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, int]]:
    """A server for one request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_once() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100_000)
                connection.sendall(answer)

        threading.Thread(target=answer_once, daemon=True).start()
        yield listener.getsockname()


def wrong(status: bytes, headers: bytes, body: bytes) -> str:
    length = b"Content-Length: " + str(len(body)).encode() + b"\r\n"
    with answering(b"HTTP/1.1 " + status + b"\r\n" + headers + length + b"\r\n" + body) as address:
        return exchange(address, b"GET / HTTP/1.1\r\n\r\n", method="GET").wrong


class TestHostileRequests:
    def test_are_the_same_for_the_same_seed(self) -> None:
        made = [[hostile(Random(seed), KNOWN).raw("x") for seed in range(500)] for _ in range(2)]

        assert made[0] == made[1]
        assert len(set(made[0])) > 450

    @pytest.mark.parametrize("kind", dict.fromkeys(KINDS))
    def test_are_made_whatever_chance_says(self, kind: Make) -> None:
        made = [kind(Random(seed), KNOWN).raw("x") for seed in range(500)]

        assert all(b"\r\n\r\n" in raw for raw in made)

    def test_are_of_a_bearable_size(self) -> None:
        assert max(len(hostile(Random(seed), KNOWN).raw("x")) for seed in range(2_000)) < 4_000_000


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("status", "headers", "body", "found"),
        [
            (b"200 OK", OURS, b'{"success": true}', ""),
            (b"404 Not Found", OURS, ENVELOPE, ""),
            (b"400 Bad Request", b"", b"the web server's own", ""),
            (b"500 Oh", OURS, ENVELOPE, "500"),
            (b"503 Oh", OURS, ENVELOPE, "503"),
            (b"404 Not Found", OURS, b'{"detail": "x"}', "no envelope"),
            (b"404 Not Found", b"Request-Id: 12345678\r\nContent-Type: text/plain\r\n", b"x", "no envelope"),
            (b"200 OK", OURS, b"psycopg2.errors.UndefinedColumn", "shows internals"),
            (b"400 Bad Request", OURS + b"Set-Cookie: a=b\r\n", ENVELOPE, "a header was injected"),
        ],
    )
    def test_is_judged(self, status: bytes, headers: bytes, body: bytes, found: str) -> None:
        assert wrong(status, headers, body) == found

    def test_that_is_none_is_no_finding(self) -> None:
        with answering(b"") as address:
            heard = exchange(address, b"GET / HTTP/1.1\r\n\r\n", method="GET")

        assert (heard.status, heard.wrong) == ("closed", "")


class TestTheLedger:
    def test_keeps_each_finding_once_and_its_request(self, tmp_path: Path) -> None:
        ledger, other = Ledger(), Ledger()
        for one in (ledger, other):
            one.note("hostile", "500")
            one.find(Finding("500", "GET /x", "oh", b"GET /x HTTP/1.1\r\n\r\n"))

        ledger.add(other)

        assert (ledger.requests, ledger.failures) == (2, 2)
        assert ledger.keep(tmp_path) == [f"500, GET /x (2 ×): oh\n    again: {tmp_path}/001.http"]
        assert (tmp_path / "001.http").read_bytes() == b"GET /x HTTP/1.1\r\n\r\n"


@pytest.mark.servers
class TestALittleFuzzing:
    def test_finds_nothing(self) -> None:
        command = [sys.executable, "-m", "tests.fuzz", "--requests", "120", "--seed", "7", "--fuzzers", "1"]

        done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=280)

        assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
        assert re.search(r"^1\d\d requests in \d+ s: documented \d+, hostile \d+$", done.stdout, re.MULTILINE)
        assert done.stdout.splitlines()[-1] == "0 answers of 5xx, 0 findings."
