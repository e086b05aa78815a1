"""The socket: one POST to a partner, ten seconds at most, no redirects, what it answered kept to 4 KiB."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar, Final, NamedTuple

import certifi
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from webhooks import guard

CONNECT_SECONDS: Final = 3
TOTAL_SECONDS: Final = 10
BODY_SECONDS: Final = 0.25
KEPT_BYTES: Final = 4096
AGENT: Final = "basket-gateway-webhooks/1"
HOSTS_KEPT: Final = 512
CONNECTIONS_KEPT: Final = 4  # for each host
ONCE: Final = urllib3.Retry(total=False, redirect=False)
# A resolver that is silent would keep a thread for half a minute; getaddrinfo knows no other limit than glibc's own.
os.environ.setdefault("RES_OPTIONS", "timeout:2 attempts:2")
_deadline = threading.local()


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` None: no answer came, and `error` says why. `excerpt` is the body's beginning."""

    status: int | None
    duration_ms: int
    error: str = ""
    excerpt: str = ""
    retry_after: str = ""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Place(NamedTuple):
    """Where a URL leads: kept connections to its host, and what to ask for there."""

    pool: HTTPConnectionPool
    target: str


class Unreachable(Exception):
    """No connection; the message says why."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> Answer:
    """Never raises for what a partner does."""
    began = time.monotonic()
    _deadline.at = began + TOTAL_SECONDS
    try:
        answer = _exchange(url, body, headers, allow_private=allow_private)
    except (urllib3.exceptions.HTTPError, guard.Forbidden, Unreachable, OSError, UnicodeError) as error:
        return Answer(None, _elapsed_ms(began), error=_told(error))
    return Answer(
        answer.status,
        _elapsed_ms(began),
        excerpt=_excerpt(answer),
        retry_after=answer.headers.get("retry-after", ""),
    )


def _exchange(
    url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool
) -> urllib3.response.BaseHTTPResponse:
    place = _place(url, allow_private=allow_private)
    return place.pool.urlopen(
        "POST",
        place.target,
        body=body,
        headers={"content-type": "application/json", "user-agent": AGENT, **headers},
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=TOTAL_SECONDS),
        redirect=False,
        retries=ONCE,
        assert_same_host=False,
        preload_content=False,
        decode_content=False,
    )


def _excerpt(response: urllib3.response.BaseHTTPResponse) -> str:
    """The body's beginning. The status has decided, so the body gets a moment only, however slowly it drips.

    A connection whose answer was read to its end is kept; else it is closed.
    """
    _deadline.at = min(_deadline.at, time.monotonic() + BODY_SECONDS)
    kept = bytearray()
    try:
        while len(kept) < KEPT_BYTES and (part := response.read1(KEPT_BYTES - len(kept))):
            kept += part
    except (urllib3.exceptions.HTTPError, OSError):
        response.close()
    if not response.closed:
        response.close()
    return kept.decode("utf-8", "replace").replace("\x00", "")


def _left() -> float:
    """Seconds until this thread's post must have its answer."""
    left = _deadline.at - time.monotonic()
    if left <= 0:
        raise TimeoutError(f"No answer within {TOTAL_SECONDS} s.")
    return float(left)


class _Hurried(socket.socket):
    """Every read gets what is left of the whole, so that an answer which drips byte by byte ends as well."""

    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(_left())
        return super().recv_into(*arguments)


class _HurriedTLS(ssl.SSLSocket):
    def recv_into(self, *arguments: Any) -> int:
        self.settimeout(_left())
        return super().recv_into(*arguments)


def _connect(host: str, port: int, *, allow_private: bool) -> socket.socket:
    """To the first address that takes us, all of them permitted, within CONNECT_SECONDS after the name is resolved."""
    try:
        places = guard.resolve(host, port, allow_private=allow_private)
    except OSError as error:
        raise Unreachable(f"{host}: {error.strerror or error}") from None
    until = time.monotonic() + CONNECT_SECONDS
    for family, address in places:
        reached = _Hurried(family, socket.SOCK_STREAM)
        try:
            reached.settimeout(max(0.1, until - time.monotonic()))
            reached.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reached.connect(address)
        except OSError as error:
            reached.close()
            refusal = error
        else:
            return reached
    raise Unreachable(f"{host}: {refusal.strerror or refusal}")


class _Public(HTTPConnection):
    """Connects only to addresses of the public internet. Sends head and body as one: a packet, and a waking, less."""

    allow_private: ClassVar[bool] = False
    _head: bytes | None = None  # empty: about to come; then held back until the body does

    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port, allow_private=self.allow_private)

    def endheaders(self, *arguments: Any, **named: Any) -> None:
        self._head = b""
        super().endheaders(*arguments, **named)

    def send(self, data: Any) -> None:
        if self._head == b"":
            self._head = data
        else:
            whole, self._head = (self._head or b"") + data, None
            super().send(whole)

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3's own
        if self._head:
            self.send(b"")  # there was no body
        return super().getresponse()


class _Anywhere(_Public):
    allow_private = True


class _PublicTLS(_Public, HTTPSConnection):
    """https"""


class _AnywhereTLS(_Anywhere, HTTPSConnection):
    """https"""


class _PublicHTTPPool(HTTPConnectionPool):
    ConnectionCls = _Public


class _PublicHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTLS


class _AnyHTTPPool(HTTPConnectionPool):
    ConnectionCls = _Anywhere


class _AnyHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _AnywhereTLS


@lru_cache(HOSTS_KEPT)
def _place(url: str, *, allow_private: bool) -> Place:
    """What urllib3's manager would find out of a URL again with each request. Raises its HTTPError if it is none."""
    return Place(_pools(allow_private=allow_private).connection_from_url(url), urllib3.util.parse_url(url).request_uri)


@cache
def _pools(*, allow_private: bool) -> urllib3.PoolManager:
    """One per process, connections kept. No proxies, no netrc: the environment does not choose where orders go."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.sslsocket_class = _HurriedTLS
    pools = urllib3.PoolManager(HOSTS_KEPT, maxsize=CONNECTIONS_KEPT, block=False, ssl_context=context)
    pools.pool_classes_by_scheme = (
        {"http": _AnyHTTPPool, "https": _AnyHTTPSPool}
        if allow_private
        else {"http": _PublicHTTPPool, "https": _PublicHTTPSPool}
    )
    return pools


def _told(error: Exception) -> str:
    """In a line: what happened at the bottom of urllib3's wrappings."""
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return f"Timeout: no answer within {TOTAL_SECONDS} s."
    cause = error
    while isinstance(inner := (cause.args[-1] if cause.args else None), Exception):
        cause = inner
    return f"{type(cause).__name__}: {cause}"[:200]


def _elapsed_ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
