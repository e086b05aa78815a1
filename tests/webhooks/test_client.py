"""The socket, against a real one on loopback."""

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler

import pytest

from tests.receiver import Hit, Receiver
from webhooks import client

post = partial(client.post, allow_private=True)

BODY = b'{"status":"COMPLETED"}'


@dataclass
class Told(Receiver):
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
def told() -> Iterator[Told]:
    listening = Told()
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
    def test_takes_any_2xx_for_success(self, told: Told, status: int, accepted: bool) -> None:
        told.answer = lambda hit: status

        answer = post(told.url, BODY, {})

        assert (answer.status, answer.accepted, answer.error) == (status, accepted, "")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_follows_no_redirect(self, told: Told, receiver: Receiver, status: int) -> None:
        told.answer, told.headers = lambda hit: status, {"location": receiver.url}

        answer = post(told.url, BODY, {})

        assert (answer.status, answer.accepted, len(told.hits), receiver.hits) == (status, False, 1, [])

    @pytest.mark.parametrize(
        ("size", "kept"), [(0, 0), (4_095, 4_095), (4_096, 4_096), (4_097, 4_096), (99_999, 4_096)]
    )
    def test_keeps_four_kibibytes_of_the_answer(self, told: Told, size: int, kept: int) -> None:
        told.says = b"x" * size

        assert post(told.url, BODY, {}).excerpt == "x" * kept

    def test_keeps_only_what_text_can_hold(self, told: Told) -> None:
        told.says = b"a\x00b\xff\xe2\x82\xb9"

        assert post(told.url, BODY, {}).excerpt == "ab\ufffd₹"

    def test_tells_of_a_refused_connection(self) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            answer = post(f"http://127.0.0.1:{nobody.getsockname()[1]}/hooks", BODY, {})

        assert (answer.status, answer.accepted, answer.excerpt) == (None, False, "")
        assert answer.error.startswith("Unreachable: ")
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
