"""From granian's words to WSGI's; what only a socket can show is in tests/processes/test_slow_clients.py."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway import rsgi
from gateway.http.middleware import CUT_SHORT
from gateway.rsgi import ReceivedBody, RsgiServer, environ_of


class Headers:
    """`unsaid` are there, and granian tells their names alone."""

    def __init__(self, *pairs: tuple[str, str], unsaid: Iterable[str] = ()) -> None:
        self._pairs, self._unsaid = list(pairs), list(unsaid)

    def get(self, key: str, default: str | None = None) -> str | None:
        return dict(self._pairs).get(key, default)

    def keys(self) -> list[str]:
        return [name for name, _ in self._pairs] + self._unsaid

    def items(self) -> list[tuple[str, str]]:
        return self._pairs


@dataclass
class Scope:
    headers: rsgi.Headers = field(default_factory=Headers)
    path: str = "/v1/x"
    client: str = "203.0.113.9:5000"
    http_version: str = "1.1"
    server: str = "127.0.0.1:8000"
    scheme: str = "http"
    method: str = "POST"
    query_string: str = "a=%20b"


@dataclass
class Exchange:
    chunks: list[bytes]
    stalls: bool = False
    said: tuple[int, list[tuple[str, str]], bytes] | None = None
    given: int = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert not self.given, "granian gives its iterator once"
        for chunk in self.chunks:
            self.given += 1
            yield chunk
        if self.stalls:
            await asyncio.sleep(60)

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.said = (status, headers, body)


class Application:
    """Keeps what it was asked."""

    environ: dict[str, Any]
    is_closed = False

    def __call__(self, environ: dict[str, Any], start: Any) -> "Application":
        self.environ = environ
        start("201 Created", [("x-made", "1")])
        return self

    def __iter__(self) -> Any:
        return iter((b"a", b"b"))

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Seen:
    content: bytes
    length: str
    is_cut_short: bool


def seen(scope: Scope, exchange: Exchange) -> Seen:
    """What Django is shown of a body."""
    application = Application()
    asyncio.run(RsgiServer(application, threads=1).__rsgi__(scope, exchange))
    assert exchange.said == (201, [("x-made", "1")], b"ab")
    assert application.is_closed
    environ = application.environ
    return Seen(environ["wsgi.input"].read(), environ["CONTENT_LENGTH"], environ[CUT_SHORT])


def of_length(length: object) -> Scope:
    return Scope(Headers(("content-length", str(length))))


CHUNKED = Headers(("transfer-encoding", "chunked"))


class TestABody:
    @pytest.mark.parametrize(
        ("scope", "chunks", "shown"),
        [
            (Scope(), [], Seen(b"", "", False)),
            (of_length(0), [], Seen(b"", "", False)),
            (of_length(4), [b"ab", b"cd"], Seen(b"abcd", "4", False)),
            (of_length(5), [b"ab", b"cd"], Seen(b"abcd", "4", True)),
            (of_length(65_536), [b"x" * 65_536], Seen(b"x" * 65_536, "65536", False)),
            (of_length(65_537), [], Seen(b"", "65537", False)),
            (of_length("9" * 5_000), [], Seen(b"", "65537", False)),
            (of_length("many"), [], Seen(b"", "65537", False)),
            (Scope(CHUNKED), [b"ab", b"cd"], Seen(b"abcd", "4", False)),
            (Scope(CHUNKED), [b"x" * 40_000, b"x" * 40_000, b"never read"], Seen(b"", "80000", False)),
            (Scope(CHUNKED, path="/admin/x/"), [b"x" * 80_000], Seen(b"x" * 80_000, "80000", False)),
        ],
    )
    def test_is_shown_whole_or_so_that_it_is_refused(self, scope: Scope, chunks: list[bytes], shown: Seen) -> None:
        assert seen(scope, Exchange(chunks)) == shown

    @pytest.mark.parametrize("path", ["/v1/x", "/admin/x/"])
    def test_that_does_not_come_is_not_waited_for(self, settings: Any, path: str) -> None:
        settings.BODY_SECONDS = 0.01
        scope = Scope(Headers(("content-length", "4")), path=path)

        assert seen(scope, Exchange([b"ab"], stalls=True)) == Seen(b"", "", True)


class TestABodyThatIsRefused:
    """Is drained after the answer, so that a client that sends everything before it reads finds the answer."""

    def drained(self, scope: Scope, exchange: Exchange) -> int:
        seen(scope, exchange)
        return exchange.given

    @pytest.mark.parametrize(
        "scope", [of_length(200_000), Scope(CHUNKED), Scope(Headers(("content-length", "6000000")), path="/admin/x/")]
    )
    def test_is_read_to_its_end(self, scope: Scope) -> None:
        assert self.drained(scope, Exchange([b"x" * 1_000_000] * 6)) == 6

    def test_is_not_read_without_end(self, settings: Any) -> None:
        settings.DRAINED_BYTES = 300_000

        assert self.drained(of_length(10**9), Exchange([b"x" * 100_000] * 20)) == 4
        assert self.drained(Scope(CHUNKED), Exchange([b"x" * 100_000] * 20)) == 5

    @pytest.mark.parametrize("chunks", [[], [b"x" * 70_000]])
    def test_is_not_waited_for(self, settings: Any, chunks: list[bytes]) -> None:
        settings.BODY_SECONDS = 0.01

        assert self.drained(of_length(200_000), Exchange(chunks, stalls=True)) == len(chunks)

    def test_is_read_no_further_where_it_was_welcome(self) -> None:
        assert self.drained(of_length(2), Exchange([b"{}"])) == 1


class TestEnvironOf:
    def test_is_as_wsgi_spells_it(self) -> None:
        headers = Headers(("host", "h:1"), ("content-type", "application/json"), ("x-gateway-secret", "s"))

        environ = environ_of(Scope(headers, path="/ü"), ReceivedBody(b"{}", 2))

        assert {name: environ[name] for name in environ if name[:4] not in {"wsgi", "gate"}} == {
            "HTTP_HOST": "h:1",
            "CONTENT_TYPE": "application/json",
            "HTTP_X_GATEWAY_SECRET": "s",
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/Ã¼",
            "QUERY_STRING": "a=%20b",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "REMOTE_ADDR": "203.0.113.9",
            "CONTENT_LENGTH": "2",
        }

    @pytest.mark.parametrize(
        ("headers", "name", "value"),
        [
            (
                Headers(("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2")),
                "X_FORWARDED_FOR",
                "1.1.1.1,2.2.2.2",
            ),
            (Headers(("cookie", "a=1"), ("cookie", "b=2")), "COOKIE", "a=1; b=2"),
            (Headers(("x-a", "real"), ("x_a", "disguised")), "X_A", "real"),
            (Headers(("x_a", "disguised")), "X_A", None),
            (Headers(unsaid=["idempotency-key"]), "IDEMPOTENCY_KEY", ""),
        ],
    )
    def test_joins_what_comes_twice_and_lets_no_header_pass_for_another(
        self, headers: Headers, name: str, value: str | None
    ) -> None:
        assert environ_of(Scope(headers), ReceivedBody()).get(f"HTTP_{name}") == value

    def test_knows_an_address_of_the_new_kind(self) -> None:
        assert environ_of(Scope(client="[2001:db8::1]:5000"), ReceivedBody())["REMOTE_ADDR"] == "2001:db8::1"
