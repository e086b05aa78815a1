"""The socket, against a real one on loopback."""

import io
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.receiver import Hit, Receiver
from tests.webhooks.delivery import raw
from webhooks.delivery import client

post = partial(client.post, options=client.ClientOptions(allow_private=True))
NOT_INSIDE = client.ClientOptions(allow_private=False)
HURRIED = client.ClientOptions(allow_private=True, connect_seconds=1, total_seconds=1)

BODY = b'{"status":"COMPLETED"}'
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class Recorder(Receiver):
    """A receiver that answers with a body and headers of its own."""

    says: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        told = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hit = Hit(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                told.hits.append(hit)
                self.send_response(told.answer(hit))
                for name, value in told.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told.says)

            def log_message(self, *_: object) -> None:
                """Silent: the hits are the record."""

        return Handler


@pytest.fixture
def told() -> Iterator[Recorder]:
    listening = Recorder()
    with listening:
        yield listening


class TestPost:
    def test_sends_the_body_as_it_is_with_its_headers(self, receiver: Receiver) -> None:
        post(receiver.url, BODY, {"x-gateway-event": "order.placed"})

        (hit,) = receiver.hits
        sent = {name: hit.headers[name] for name in ("content-type", "user-agent", "x-gateway-event")}
        assert hit.body == BODY
        assert sent == {
            "content-type": "application/json",
            "user-agent": "basket-gateway-webhooks/1",
            "x-gateway-event": "order.placed",
        }

    @pytest.mark.parametrize(
        ("status", "accepted"),
        [(200, True), (201, True), (204, True), (299, True), (300, False), (400, False), (410, False), (503, False)],
    )
    def test_takes_any_2xx_for_success(self, told: Recorder, status: int, accepted: bool) -> None:
        told.answer = lambda hit: status

        answer = post(told.url, BODY, {})

        assert (answer.status, answer.accepted, answer.error) == (status, accepted, "")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows_no_redirect(self, told: Recorder, receiver: Receiver, status: int) -> None:
        told.answer, told.headers = lambda hit: status, {"location": receiver.url}

        answer = post(told.url, BODY, {})

        assert (answer.status, answer.accepted, len(told.hits), receiver.hits) == (status, False, 1, [])

    @pytest.mark.parametrize(
        ("size", "kept"), [(0, 0), (4_095, 4_095), (4_096, 4_096), (4_097, 4_096), (99_999, 4_096)]
    )
    def test_keeps_four_kibibytes_of_the_answer(self, told: Recorder, size: int, kept: int) -> None:
        told.says = b"x" * size

        assert post(told.url, BODY, {}).excerpt == "x" * kept

    def test_takes_a_long_body_with_any_buffer_of_pythons(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(io, "DEFAULT_BUFFER_SIZE", 131_072)
        says = b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n" + b"x" * 99_999
        with raw.listening(raw.drip(b"", every=0, after=says)) as url:
            answer = post(url, BODY, {})

        assert (answer.status, answer.error, answer.excerpt) == (200, "", "x" * 4_096)

    def test_keeps_only_what_text_can_hold(self, told: Recorder) -> None:
        told.says = b"a\x00b\xff\xe2\x82\xb9"

        assert post(told.url, BODY, {}).excerpt == "ab\ufffd₹"

    def test_tells_of_a_refused_connection(self) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            answer = post(f"http://127.0.0.1:{nobody.getsockname()[1]}/hooks", BODY, {})

        assert (answer.status, answer.accepted, answer.excerpt) == (None, False, "")
        assert answer.error.startswith("NotConnected: ")
        assert len(answer.error) <= 200

    @pytest.mark.parametrize(
        "url",
        ["http://127.0.0.1:99999/", "http://[::1", "http:///hooks", "ftp://127.0.0.1/", "http://.example/"],
    )
    def test_tells_of_a_url_that_is_none(self, url: str) -> None:
        answer = post(url, BODY, {})

        assert answer.status is None
        assert answer.error

    def test_asks_no_proxy(self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

        assert post(receiver.url, BODY, {}).status == 200

    def test_tells_when_to_come_back(self, told: Recorder) -> None:
        told.answer, told.headers = lambda hit: 429, {"retry-after": "120"}

        assert post(told.url, BODY, {}).retry_after == "120"

    def test_keeps_connections(self, receiver: Receiver) -> None:
        for _ in range(3):
            post(receiver.url, BODY, {})

        assert len({hit.headers["x-came-from"] for hit in receiver.hits}) == 1

    def test_sends_it_in_one_piece(self) -> None:
        pieces: list[bytes] = []

        def answer(connection: socket.socket) -> None:
            for _ in range(2):
                pieces.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        with raw.listening(answer) as url:
            answers = [post(url, body, {}) for body in (BODY, b"")]

        assert [answer.status for answer in answers] == [204, 204]
        assert [piece.endswith(b"\r\n\r\n" + body) for piece, body in zip(pieces, (BODY, b""), strict=True)] == [
            True,
            True,
        ]

    def test_opens_another_where_the_partner_has_closed_one(self, told: Recorder) -> None:
        answers = [post(told.url, BODY, {}) for _ in range(3)]  # HTTP/1.0 closes after every answer

        assert [answer.status for answer in answers] == [200, 200, 200]

    def test_leads_nowhere_inside(self, receiver: Receiver) -> None:
        answer = client.post(receiver.url, BODY, {}, options=NOT_INSIDE)

        assert (answer.status, answer.error) == (None, "Forbidden: 127.0.0.1 is not a public address.")
        assert receiver.hits == []

    def test_leads_nowhere_inside_by_a_name_either(self, receiver: Receiver) -> None:
        url = receiver.url.replace("127.0.0.1", "2130706433")

        assert client.post(url, BODY, {}, options=NOT_INSIDE).error.startswith("Forbidden: 127.0.0.1 ")
        assert receiver.hits == []


class TestALimit:
    """Ten seconds in the contract, less here: the clock is real."""

    @pytest.mark.parametrize("says", [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000, b""], ids=["drips headers", "is mute"])
    def test_ends_what_never_ends(self, says: bytes) -> None:
        with raw.listening(raw.drip(says, every=0.02) if says else lambda connection: time.sleep(30)) as url:
            answer = post(url, BODY, {}, options=HURRIED)

        assert (answer.status, answer.error) == (None, "Timeout: no answer within 1 s.")
        assert 900 <= answer.duration_ms < 3_000

    def test_is_not_for_the_body_whose_status_has_come(self) -> None:
        with raw.listening(raw.drip(b"z" * 1_000, every=0.01, after=b"HTTP/1.1 201 Created\r\n\r\n")) as url:
            answer = post(url, BODY, {}, options=HURRIED)

        assert (answer.status, answer.accepted) == (201, True)
        assert answer.excerpt.strip("z") == ""
        assert answer.duration_ms < 1_500

    def test_is_for_the_handshake_too(self) -> None:
        with raw.listening(raw.drip(b"\x16\x03\x03" + b"\x00" * 1_000, every=0.02)) as url:
            answer = post(url.replace("http:", "https:"), BODY, {}, options=HURRIED)

        assert answer.status is None
        assert answer.duration_ms < 3_000

    def test_is_for_an_address_that_does_not_take_us(self) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            where = full.getsockname()
            with ExitStack() as waiting:
                for _ in range(4):  # its queue is full then, and further callers hear nothing
                    caller = waiting.enter_context(socket.socket())
                    caller.setblocking(False)
                    caller.connect_ex(where)
                answer = post(f"http://127.0.0.1:{where[1]}/", BODY, {}, options=HURRIED)

        assert (answer.status, answer.error) == (None, "NotConnected: 127.0.0.1: timed out")
        assert answer.duration_ms < 3_000

    def test_is_not_needed_for_a_reset(self) -> None:
        with raw.listening(raw.reset) as url:
            answer = post(url, BODY, {}, options=HURRIED)

        assert (answer.status, answer.error != "") == (None, True)
        assert answer.duration_ms < 900


class TestTLS:
    def test_believes_no_stranger(self, tmp_path: Path) -> None:
        context, _ = raw.certified(tmp_path)
        with raw.listening(raw.drip(OK, every=0), tls=context) as url:
            answer = post(url, BODY, {})

        assert answer.status is None
        assert answer.error.startswith("SSLCertVerificationError: ")

    def test_believes_the_authorities_of_a_file(self, tmp_path: Path) -> None:
        context, believed = raw.certified(tmp_path)
        with raw.listening(raw.drip(OK, every=0), tls=context) as url:
            answer = post(url, BODY, {}, options=replace(HURRIED, ca_file=str(believed), total_seconds=10))

        assert (answer.status, answer.error, answer.excerpt) == (200, "", "ok")

    def test_ends_with_the_limit(self, tmp_path: Path) -> None:
        context, believed = raw.certified(tmp_path)
        with raw.listening(raw.drip(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000, every=0.02), tls=context) as url:
            answer = post(url, BODY, {}, options=replace(HURRIED, ca_file=str(believed)))

        assert (answer.status, answer.error) == (None, "Timeout: no answer within 1 s.")
        assert answer.duration_ms < 3_000
