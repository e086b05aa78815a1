"""The HTTP client for webhooks: one POST within ten seconds, no redirects; 4 KiB of the response's body are kept.

HTTP/1.1 matches a response to a request only by their order on the connection. So a connection is used again only if
all bytes of the receiver were one proper response (delivery.response_framing). A request is never sent twice: a kept
connection is checked before the first byte is sent, and replaced if it is closed or unusable. Any later failure is a
failed attempt, which the delivery's plan repeats under the same webhook-id.
"""

import fcntl
import http.client
import io
import os
import socket
import ssl
import termios
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from webhooks.delivery import ssrf_guard
from webhooks.delivery.response_excerpt import KEPT_BYTES, excerpt, storable
from webhooks.delivery.response_framing import final_head, is_reusable

AGENT: Final = "basket-gateway-webhooks/1"
RESPONSE_BYTES: Final = 32_768  # with interim responses, headers and trailers
READ_AT_ONCE: Final = 8_192  # a long body fills Python's own buffer, which may be larger than RESPONSE_BYTES
HOSTS_KEPT: Final = 512
CONNECTIONS_KEPT: Final = 4  # for each host
ONCE: Final = urllib3.Retry(total=False, redirect=False)
# A silent resolver would block a thread for 30 seconds. getaddrinfo has no timeout besides glibc's own.
os.environ.setdefault("RES_OPTIONS", "timeout:2 attempts:2")


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """`ca_file` names certificate authorities that are trusted besides certifi's."""

    allow_private: bool
    ca_file: str = ""
    connect_seconds: float = 3
    total_seconds: float = 10
    body_seconds: float = 0.25


@dataclass(frozen=True, slots=True)
class EndpointResponse:
    """`status` None: no response arrived, and `error` says why. `excerpt` is the beginning of the body."""

    status: int | None
    duration_ms: int
    error: str = ""
    excerpt: str = ""
    retry_after: str = ""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Destination(NamedTuple):
    """The destination of a URL: the pool of kept connections to its host, and the request target."""

    pool: HTTPConnectionPool
    target: str


class NotConnected(Exception):
    """No connection was made; the message says why."""


class UnrequestedResponse(Exception):
    """The receiver sent a response that may belong to another request or to none."""


class ResponseTooLong(OSError):
    """The response has more bytes than a proper response up to the end of the kept excerpt."""


class _ThisPost(threading.local):
    """The options and the deadline of this thread's current post."""

    options: ClientOptions
    deadline: float

    def left(self) -> float:
        """Seconds until the deadline. Raises TimeoutError after it."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The deadline has passed.")
        return left


_post = _ThisPost()


def post(url: str, body: bytes, headers: Mapping[str, str], *, options: ClientOptions) -> EndpointResponse:
    """Posts and returns the response or the reason for its absence. No behaviour of a partner raises an exception."""
    began = time.monotonic()
    _post.options, _post.deadline = options, began + options.total_seconds
    try:
        response = _exchange(url, body, headers)
    except (
        urllib3.exceptions.HTTPError,
        ssrf_guard.Forbidden,
        NotConnected,
        UnrequestedResponse,
        OSError,
        UnicodeError,
    ) as error:
        return EndpointResponse(None, _elapsed_ms(began), error=_reason(error))
    return EndpointResponse(
        response.status,
        _elapsed_ms(began),
        excerpt=_excerpt(response),
        retry_after=response.headers.get("retry-after", ""),
    )


def _exchange(url: str, body: bytes, headers: Mapping[str, str]) -> urllib3.response.BaseHTTPResponse:
    options = _post.options
    place = _destination(url, allow_private=options.allow_private, ca_file=options.ca_file)
    return place.pool.urlopen(
        "POST",
        place.target,
        body=body,
        headers={"content-type": "application/json", "user-agent": AGENT, **headers},
        timeout=urllib3.Timeout(connect=options.connect_seconds, read=options.total_seconds),
        redirect=False,
        retries=ONCE,
        assert_same_host=False,
        preload_content=False,
        decode_content=False,
    )


def _excerpt(response: urllib3.response.BaseHTTPResponse) -> str:
    """The beginning of the body. The status decides the outcome, so a slow body is read for a moment only.

    A connection whose response was read to its end returns to its pool; any other is closed.
    """
    _post.deadline = min(_post.deadline, time.monotonic() + _post.options.body_seconds)
    kept = bytearray()
    try:
        while len(kept) < KEPT_BYTES and (part := response.read1(KEPT_BYTES - len(kept))):
            kept += part
    except (urllib3.exceptions.HTTPError, OSError):
        response.close()
    if not response.closed:
        response.close()
    named = response.headers.get
    return excerpt(bytes(kept), content_encoding=named("content-encoding", ""), content_type=named("content-type", ""))


class _Socket(socket.socket):
    """Records the bytes received since the last request, and stops reading at the post's deadline."""

    received = b""
    responses = 0
    is_early = False

    def recv_into(self, buffer: Any, *arguments: Any) -> int:
        self.settimeout(_post.left())
        size = super().recv_into(memoryview(buffer)[:READ_AT_ONCE], *arguments)
        self.received += bytes(memoryview(buffer)[:size])
        if len(self.received) > RESPONSE_BYTES:
            raise ResponseTooLong(f"The response is longer than {RESPONSE_BYTES} bytes.")
        return size

    def is_quiet(self) -> bool:
        """Whether no byte and no end of stream is waiting. TLS's own messages do not count."""
        self.settimeout(0)
        try:
            self.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def is_unheard(self) -> bool:
        """Whether the peer has not yet acknowledged some sent bytes. Only Linux reports this."""
        with suppress(OSError):
            return fcntl.ioctl(self, termios.TIOCOUTQ, bytes(4)) != bytes(4)
        return False


class _TLSSocket(_Socket, ssl.SSLSocket):
    """https"""


def _connect(host: str, port: int) -> socket.socket:
    """Connects to the first address that accepts, after all were checked. Name resolution has no share of the time."""
    try:
        places = ssrf_guard.resolve(host, port, allow_private=_post.options.allow_private)
    except OSError as error:
        raise NotConnected(f"{host}: {error.strerror or error}") from None
    until = time.monotonic() + _post.options.connect_seconds
    for family, address in places:
        reached = _Socket(family, socket.SOCK_STREAM)
        try:
            reached.settimeout(max(0.1, until - time.monotonic()))
            reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reached.connect(address)
            reached.settimeout(_post.left())
        except OSError as error:
            reached.close()
            refusal = error
        else:
            return reached
    raise NotConnected(f"{host}: {refusal.strerror or refusal}")


class _FinalResponse(http.client.HTTPResponse):
    """Skips all interim responses; http.client skips only status 100."""

    def begin(self) -> None:
        stream = self.fp
        self.fp = io.BytesIO(final_head(stream))  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            self.fp = stream
        lengths = self.headers.get_all("content-length") or ["0"]
        if len(lengths) > 1 or not lengths[0].isdecimal():
            _check_lengths(", ".join(lengths))


def _check_lengths(lengths: str) -> None:
    """The same number repeated is accepted as one number; any other list is invalid (RFC 9112 §6.3)."""
    different = {length.strip() for length in lengths.split(",")}
    if len(different) > 1 or not all(length.isdecimal() for length in different):
        raise http.client.HTTPException(f"Content-Length is {lengths}.")


class _Connection(HTTPConnection):
    """Sends head and body together, which saves a packet and wakes the receiver once."""

    sock: Any
    response_class = _FinalResponse
    _head: bytes | None = None  # empty: the head is written next; then held back until the body is written

    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port)

    @property
    def is_connected(self) -> bool:
        """Whether the kept connection can be used again."""
        return (
            self.sock is not None
            and not self.sock.is_early
            and is_reusable(self.sock.received)
            and self.sock.is_quiet()
        )

    def endheaders(self, *arguments: Any, **named: Any) -> None:
        self._head = b""
        super().endheaders(*arguments, **named)

    def send(self, data: Any) -> None:
        if self._head == b"":
            self._head = data
        else:
            whole, self._head = (self._head or b"") + data, None
            self._send_whole(whole)

    def _send_whole(self, request: bytes) -> None:
        if self.sock is None:
            self.connect()
        if not self.sock.responses:  # a kept connection was checked when it was taken from its pool
            if not self.sock.is_quiet():
                raise UnrequestedResponse("The receiver answered or hung up before the request was sent.")
            self.sock.settimeout(_post.left())
        self.sock.received = b""
        try:
            super().send(request)
        except OSError:
            self.sock.is_early = True  # urllib3 may still read a response
            raise

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3's own
        """Accepts a response that began before the receiver had the request only on a new connection.

        On a kept connection it may be a second response to the previous request.
        """
        if self._head:
            self.send(b"")  # there was no body
        spoken_to = self.sock
        response = super().getresponse()
        spoken_to.is_early = spoken_to.is_early or spoken_to.is_unheard()
        if spoken_to.is_early and spoken_to.responses:
            raise UnrequestedResponse(f"The receiver answered {response.status} before it had the request.")
        spoken_to.responses += 1
        return response


class _TLSConnection(_Connection, HTTPSConnection):
    """https"""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


@lru_cache(HOSTS_KEPT)
def _destination(url: str, *, allow_private: bool, ca_file: str) -> Destination:
    """Parses a URL once, not for each request like urllib3's manager. Raises urllib3's HTTPError if it is invalid."""
    pools = _pools(allow_private=allow_private, ca_file=ca_file)
    return Destination(pools.connection_from_url(url), urllib3.util.parse_url(url).request_uri)


@lru_cache
def _pools(*, allow_private: bool, ca_file: str) -> urllib3.PoolManager:
    """Kept connections for each choice of trust. Proxies and netrc are ignored: the environment chooses no receiver."""
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    context.sslsocket_class = _TLSSocket
    pools = urllib3.PoolManager(HOSTS_KEPT, maxsize=CONNECTIONS_KEPT, block=False, ssl_context=context)
    pools.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
    return pools


def _reason(error: Exception) -> str:
    """The innermost cause of urllib3's nested exceptions, in one line."""
    cause = error
    while isinstance(inner := (cause.args[-1] if cause.args else None), Exception):
        cause = inner
    if isinstance(cause, TimeoutError | urllib3.exceptions.ReadTimeoutError):
        return f"Timeout: no answer within {_post.options.total_seconds:g} s."
    return storable(f"{type(cause).__name__}: {cause}")[:200]


def _elapsed_ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
