"""The web server: granian's RSGI outside, WSGI inside. A thread gets a request only when it has arrived completely.

Over WSGI a thread reads the body from the socket and waits for a slow client without limit, so a few half-sent
bodies would block all threads. Django's ASGI runs synchronous views one at a time. So the event loop receives
bodies, with limits of size and time, and a pool of threads runs the views.
"""

import sys
from asyncio import Semaphore, get_running_loop, timeout
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Protocol

from django.conf import settings

from gateway.http.middleware import CUT_SHORT, body_limit, stated_length
from gateway.wsgi import django

Environ = dict[str, Any]
Answer = tuple[int, list[tuple[str, str]], bytes]

# The console's uploads: at most so many at once, each with this multiple of the usual time.
LARGE_AT_ONCE: Final = 8
LARGE_TAKES: Final = 6


class Headers(Protocol):
    def get(self, key: str, default: str | None = None) -> str | None: ...
    def keys(self) -> list[str]: ...
    def items(self) -> list[tuple[str, str]]: ...


class RsgiScope(Protocol):
    """A request as granian passes it; `path` is unquoted, `client` and `server` are host:port."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Headers


class RsgiExchange(Protocol):
    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


class Chunks:
    """A body's chunks, for more than one loop: granian's own iterator can be created once."""

    def __init__(self, exchange: RsgiExchange) -> None:
        self._chunks = aiter(exchange)

    def __aiter__(self) -> "Chunks":
        return self

    def __anext__(self) -> Awaitable[bytes]:
        return self._chunks.__anext__()


@dataclass(frozen=True, slots=True)
class ReceivedBody:
    """`length` is the Content-Length for Django; it exceeds the content if the body is too large."""

    content: bytes = b""
    length: int = 0
    is_cut_short: bool = False
    rest: Chunks | None = None  # the unread part


class RsgiServer:
    def __init__(self, application: Callable[..., Iterable[bytes]], *, threads: int) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._large = Semaphore(LARGE_AT_ONCE)

    async def __rsgi__(self, scope: RsgiScope, exchange: RsgiExchange) -> None:
        body = await self._arrived(scope, exchange)
        environ = environ_of(scope, body)
        status, headers, content = await get_running_loop().run_in_executor(self._threads, self._answer, environ)
        exchange.response_bytes(status, headers, content)
        if body.rest:
            await _drain(body.rest)

    async def _arrived(self, scope: RsgiScope, exchange: RsgiExchange) -> ReceivedBody:
        """The complete body, or a body that Django will refuse."""
        length = scope.headers.get("content-length") or ""
        declared = stated_length(length)
        limit, chunks = body_limit(scope.path), Chunks(exchange)
        if length and declared is None:
            return ReceivedBody(length=limit + 1, rest=chunks)
        if declared == 0 or (declared is None and scope.headers.get("transfer-encoding") is None):
            return ReceivedBody()
        if declared is not None and declared > limit:
            return ReceivedBody(length=declared, rest=chunks)
        try:
            if limit == settings.BODY_LIMIT_BYTES:
                async with timeout(settings.BODY_SECONDS):
                    return await _gathered(chunks, declared, limit)
            async with timeout(settings.BODY_SECONDS * LARGE_TAKES), self._large:
                return await _gathered(chunks, declared, limit)
        except TimeoutError:
            return ReceivedBody(is_cut_short=True, rest=chunks)

    def _answer(self, environ: Environ) -> Answer:
        started: list[tuple[int, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            started.append((int(status.partition(" ")[0]), headers))

        chunks = self._application(environ, start)
        try:
            content = b"".join(chunks)
        finally:
            if close := getattr(chunks, "close", None):
                close()
        return *started[-1], content


async def _gathered(chunks: Chunks, declared: int | None, limit: int) -> ReceivedBody:
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > limit:
            return ReceivedBody(length=len(content), rest=chunks)
    # A client that disconnected in the middle: the request is not carried out.
    return ReceivedBody(bytes(content), len(content), is_cut_short=declared is not None and len(content) < declared)


async def _drain(chunks: Chunks) -> None:
    """Reads the rest after the response, so that no thread waits. Limited: the sender may be slow or endless."""
    drained = 0
    with suppress(TimeoutError):
        async with timeout(settings.BODY_SECONDS):
            async for chunk in chunks:
                drained += len(chunk)
                if drained > settings.DRAINED_BYTES:
                    return


def environ_of(scope: RsgiScope, body: ReceivedBody) -> Environ:
    host, _, port = scope.server.rpartition(":")
    return {
        **_headers(scope.headers),
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "CONTENT_LENGTH": str(body.length) if body.length else "",
        CUT_SHORT: body.is_cut_short,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body.content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _headers(headers: Headers) -> Environ:
    """Skips names with an underscore, which WSGI could not distinguish from names with a hyphen.

    granian passes a header whose value is not ASCII as an empty value.
    """
    environ: Environ = {_variable(name): "" for name in headers.keys() if "_" not in name}  # noqa: SIM118
    for name, value in headers.items():
        if "_" not in name:
            variable = _variable(name)
            before = environ[variable]
            environ[variable] = f"{before}{'; ' if name == 'cookie' else ','}{value}" if before else value
    return environ


def _variable(name: str) -> str:
    plain = name.upper().replace("-", "_")
    return plain if plain == "CONTENT_TYPE" else f"HTTP_{plain}"


application = RsgiServer(django, threads=settings.WEB_THREADS)
